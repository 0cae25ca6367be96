<?php declare(strict_types=1);

// Hands over to the runtime of bref/bref that BREF_RUNTIME names.

$autoload = $_SERVER['BREF_AUTOLOAD_PATH'] ?? getenv('LAMBDA_TASK_ROOT') . '/vendor/autoload.php';
if (! is_file($autoload)) {
    throw new RuntimeException("No `$autoload`: is bref/bref installed?");
}
require $autoload;

$runtimes = [
    'function' => 'Bref\FunctionRuntime\Main',
    'fpm' => 'Bref\FpmRuntime\Main',
    'console' => 'Bref\ConsoleRuntime\Main',
];
$name = $_SERVER['BREF_RUNTIME'] ?? throw new RuntimeException('BREF_RUNTIME is not set');
$runtime = $runtimes[$name] ?? $name;
if (! class_exists($runtime)) {
    throw new RuntimeException("No class `$runtime`: is bref/bref installed?");
}
$runtime::run();
