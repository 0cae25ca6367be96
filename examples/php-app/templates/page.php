<!doctype html>
<html lang="de">
<head>
  <meta charset="utf-8">
  <title><?= $title ?></title>
  <script type="module" src="<?= App\Assets::url('app.js') ?>"></script>
</head>
<body>
  <h1><?= $title ?></h1>
  <img src="/picture.png?width=80" alt="">
  <nav>
<?php foreach ($pages->all() as $other): ?>
    <a href="/<?= rawurlencode($other['slug']) ?>"><?= htmlspecialchars($other['title']) ?></a>
<?php endforeach ?>
  </nav>
</body>
</html>
