<?php

// Whether the lock file fits composer.json and this PHP: writes JSON to the
// second argument. Run in the base image, with both files in the working directory.

$command = ['php', '-d', 'opcache.enable_cli=0', $argv[1], 'check-platform-reqs', '--lock', '--no-dev', '--format=json'];
$files = [1 => ['file', '/tmp/requirements.out', 'w'], 2 => ['file', '/tmp/requirements.err', 'w']];
$running = proc_open([...$command, '--no-interaction', '--no-ansi', '--no-plugins'], $files, $pipes);

// As Composer makes it: Composer\Package\Locker::getContentHash().
$manifest = json_decode(file_get_contents('composer.json'), true);
$keys = ['name', 'version', 'require', 'require-dev', 'conflict', 'replace', 'provide', 'minimum-stability', 'prefer-stable', 'repositories', 'extra'];
$relevant = array_intersect_key($manifest, array_flip($keys));
if (isset($manifest['config']['platform'])) {
    $relevant['config']['platform'] = $manifest['config']['platform'];
}
ksort($relevant);
$locked = json_decode(file_get_contents('composer.lock'), true)['content-hash'] ?? null;

$modules = glob(ini_get('extension_dir') . '/*.so');
$code = proc_close($running);
file_put_contents($argv[2], json_encode([
    'current' => $locked === md5(json_encode($relevant)),
    'code' => $code,
    'out' => file_get_contents('/tmp/requirements.out'),
    'err' => file_get_contents('/tmp/requirements.err'),
    'php' => PHP_VERSION,
    'available' => array_map(fn ($file) => basename($file, '.so'), $modules),
]));
