<?php declare(strict_types=1);

return function (PDO $database): void {
    $insert = $database->prepare('INSERT INTO pages (slug, title) VALUES (?, ?)');
    foreach (['home' => 'Home', 'ueber-uns' => 'Über uns'] as $slug => $title) {
        $insert->execute([$slug, $title]);
    }
};
