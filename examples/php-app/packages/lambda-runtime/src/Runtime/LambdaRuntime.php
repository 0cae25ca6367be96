<?php declare(strict_types=1);

namespace Bref\Runtime;

use RuntimeException;
use Throwable;

/** Lambda's Runtime API, from the function's side. */
final class LambdaRuntime
{
    private string $base;

    public function __construct()
    {
        $this->base = 'http://' . getenv('AWS_LAMBDA_RUNTIME_API') . '/2018-06-01/runtime';
    }

    /** Handles one event; false when the handler failed. */
    public function processNextEvent(callable $handler): bool
    {
        [$headers, $body] = $this->request('GET', '/invocation/next');
        $request = $headers['lambda-runtime-aws-request-id'];
        $context = ['requestId' => $request, 'deadline' => (int) $headers['lambda-runtime-deadline-ms']];
        try {
            $result = $handler(json_decode($body, true, 512, JSON_THROW_ON_ERROR), $context);
            $this->request('POST', "/invocation/$request/response", json_encode($result, JSON_THROW_ON_ERROR));
            return true;
        } catch (Throwable $error) {
            echo "$request\tInvoke Error\t$error\n";
            $this->request('POST', "/invocation/$request/error", self::describe($error));
            return false;
        }
    }

    public function failInitialization(Throwable $error): never
    {
        echo "Fatal error: $error\n";
        $this->request('POST', '/init/error', self::describe($error));
        exit(1);
    }

    private static function describe(Throwable $error): string
    {
        return json_encode([
            'errorType' => $error::class,
            'errorMessage' => $error->getMessage(),
            'stackTrace' => explode("\n", $error->getTraceAsString()),
        ], JSON_THROW_ON_ERROR);
    }

    /** @return array{array<string, string>, string} */
    private function request(string $method, string $path, ?string $body = null): array
    {
        $headers = [];
        $curl = curl_init($this->base . $path);
        curl_setopt_array($curl, [
            CURLOPT_CUSTOMREQUEST => $method,
            CURLOPT_RETURNTRANSFER => true,
            CURLOPT_HEADERFUNCTION => function ($_, string $line) use (&$headers): int {
                [$name, $value] = explode(':', $line, 2) + [1 => ''];
                $headers[strtolower($name)] = trim($value);
                return strlen($line);
            },
        ]);
        if ($body !== null) {
            curl_setopt($curl, CURLOPT_POSTFIELDS, $body);
            curl_setopt($curl, CURLOPT_HTTPHEADER, ['Content-Type: application/json']);
        }
        $answer = curl_exec($curl);
        $status = curl_getinfo($curl, CURLINFO_RESPONSE_CODE);
        if ($answer === false || $status >= 400) {
            throw new RuntimeException("$method $path: $status " . ($answer ?: curl_error($curl)));
        }
        return [$headers, $answer];
    }
}
