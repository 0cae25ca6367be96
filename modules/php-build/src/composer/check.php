<?php

// What the base image has, and, where both files are in the working directory,
// whether the lock file fits composer.json: writes JSON to the argument.

function is_current(): bool
{
    // As Composer makes it: Composer\Package\Locker::getContentHash().
    $manifest = json_decode(file_get_contents('composer.json'), true);
    $keys = ['name', 'version', 'require', 'require-dev', 'conflict', 'replace', 'provide', 'minimum-stability', 'prefer-stable', 'repositories', 'extra'];
    $relevant = array_intersect_key($manifest, array_flip($keys));
    if (isset($manifest['config']['platform'])) {
        $relevant['config']['platform'] = $manifest['config']['platform'];
    }
    ksort($relevant);
    $locked = json_decode(file_get_contents('composer.lock'), true)['content-hash'] ?? null;
    return $locked === md5(json_encode($relevant));
}

$extensions = [];
foreach (get_loaded_extensions() as $name) {
    $extensions[str_replace(' ', '-', strtolower($name))] = phpversion($name) ?: '0';
}
$modules = glob(ini_get('extension_dir') . '/*.so');
file_put_contents($argv[1], json_encode([
    'current' => ! is_file('composer.lock') || is_current(),
    'php' => PHP_VERSION,
    'extensions' => $extensions,
    'available' => array_map(fn ($file) => basename($file, '.so'), $modules),
]));
