<?php declare(strict_types=1);

namespace Bref\ConsoleRuntime;

use Bref\Runtime\LambdaRuntime;
use RuntimeException;

/** Runs the handler as a console command; the event is its arguments. */
final class Main
{
    public static function run(): void
    {
        $program = getenv('LAMBDA_TASK_ROOT') . '/' . getenv('_HANDLER');
        $runtime = new LambdaRuntime;
        if (! is_file($program)) {
            $runtime->failInitialization(new RuntimeException("Handler `$program` doesn't exist"));
        }
        while (true) {
            $runtime->processNextEvent(function (mixed $event) use ($program): array {
                exec("php $program " . (is_string($event) ? $event : '') . ' 2>&1', $lines, $code);
                $output = implode("\n", $lines);
                echo "$output\n";
                if ($code !== 0) {
                    throw new RuntimeException($output);
                }
                return ['exitCode' => 0, 'output' => $output];
            });
        }
    }
}
