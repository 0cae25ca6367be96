<?php declare(strict_types=1);

namespace Bref\FunctionRuntime;

use Bref\Runtime\LambdaRuntime;
use RuntimeException;
use Throwable;

/** Gives events to the function that the handler's file returns: one event a process. */
final class Main
{
    public static function run(): void
    {
        $runtime = new LambdaRuntime;
        try {
            $handler = require self::file();
        } catch (Throwable $error) {
            $runtime->failInitialization($error);
        }
        $runtime->processNextEvent($handler);
    }

    private static function file(): string
    {
        $file = getenv('LAMBDA_TASK_ROOT') . '/' . getenv('_HANDLER');
        return is_file($file) ? $file : throw new RuntimeException("Handler `$file` doesn't exist");
    }
}
