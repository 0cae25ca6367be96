<?php

// Whether the lock file fits composer.json and this PHP: prints JSON. Run in the
// base image, with composer.json and composer.lock in the working directory.

$composer = ['php', $argv[1], '--no-interaction', '--no-ansi', '--no-plugins'];
$commands = [
    'validate' => [...$composer, 'validate', '--no-check-all', '--no-check-publish', '--no-check-version'],
    'requirements' => [...$composer, 'check-platform-reqs', '--lock', '--no-dev', '--format=json'],
];
$running = [];
foreach ($commands as $name => $command) {
    $files = [1 => ['file', "/tmp/$name.out", 'w'], 2 => ['file', "/tmp/$name.err", 'w']];
    $running[$name] = proc_open($command, $files, $pipes);
}
$said = [];
foreach ($running as $name => $process) {
    $code = proc_close($process);
    $said[$name] = [
        'code' => $code,
        'out' => file_get_contents("/tmp/$name.out"),
        'err' => file_get_contents("/tmp/$name.err"),
    ];
}
$modules = glob(ini_get('extension_dir') . '/*.so');
echo json_encode($said + [
    'php' => PHP_VERSION,
    'available' => array_map(fn ($file) => basename($file, '.so'), $modules),
]);
