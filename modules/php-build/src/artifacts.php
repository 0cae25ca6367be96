<?php

// Lays the static files of /in out for object storage: below a directory that is
// named by their contents, so that releases do not disturb each other, and with a
// manifest. PHP does not belong there.

$types = json_decode($argv[1], true, 512, JSON_THROW_ON_ERROR);
$files = [];
$all = new RecursiveIteratorIterator(new RecursiveDirectoryIterator('/in', FilesystemIterator::SKIP_DOTS));
foreach ($all as $path => $file) {
    $name = substr($path, strlen('/in/'));
    if (! $file->isFile() || preg_match('#(^|/)\.(?!well-known/)|\.(php\d?|phtml|phar|htaccess)$#i', $name)) {
        continue;
    }
    $type = $types[strtolower(pathinfo($name, PATHINFO_EXTENSION))] ?? 'application/octet-stream';
    $files[$name] = ['sha256' => hash_file('sha256', $path), 'bytes' => $file->getSize(), 'contentType' => $type];
}
ksort($files, SORT_STRING);
$lines = array_map(fn ($name, $file) => "$file[sha256]  $name\n", array_keys($files), $files);
$fingerprint = substr(hash('sha256', implode('', $lines)), 0, 16);
foreach (array_keys($files) as $name) {
    $to = "/out/$fingerprint/$name";
    is_dir(dirname($to)) || mkdir(dirname($to), 0755, true);
    copy("/in/$name", $to);
}
$manifest = [
    'fingerprint' => $fingerprint,
    // The directory's name changes with what is in it.
    'cacheControl' => 'public, max-age=31536000, immutable',
    'files' => (object) $files,
];
is_dir('/out') || mkdir('/out');
file_put_contents('/out/manifest.json', json_encode($manifest, JSON_PRETTY_PRINT | JSON_UNESCAPED_SLASHES | JSON_THROW_ON_ERROR) . "\n");
