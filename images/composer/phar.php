<?php

// Makes Debian's Composer, with the libraries that it loads, one file.

$phar = new Phar($argv[1], 0, 'composer.phar');
$links = FilesystemIterator::FOLLOW_SYMLINKS | FilesystemIterator::SKIP_DOTS;
$files = new RecursiveIteratorIterator(new RecursiveDirectoryIterator('/usr/share/php', $links));
foreach ($files as $path => $file) {
    $text = str_replace("'/usr/share/php/", "'phar://composer.phar/share/php/", file_get_contents($path));
    $phar->addFromString(substr($path, strlen('/usr/')), $text);
}
$program = file_get_contents('/usr/bin/composer');
$program = str_replace("'/usr/share/php/", "'phar://composer.phar/share/php/", $program);
$phar->addFromString('bin/composer', substr($program, strpos($program, "\n") + 1));
$phar->addFile(__DIR__ . '/intl.php', 'intl.php');
$phar->setStub("#!/usr/bin/env php\n<?php Phar::mapPhar('composer.phar'); class_exists('Normalizer') || require 'phar://composer.phar/intl.php'; require 'phar://composer.phar/bin/composer'; __HALT_COMPILER();");
