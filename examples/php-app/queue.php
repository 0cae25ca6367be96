<?php declare(strict_types=1);

// Jobs that come as messages of SQS.

use App\Database\Connection;
use App\Pages;

require_once __DIR__ . '/vendor/autoload.php';

return function (array $event): array {
    $failed = [];
    foreach ($event['Records'] as $record) {
        $job = json_decode($record['body'], true, 512, JSON_THROW_ON_ERROR);
        match ($job['job']) {
            'count' => (new Pages(Connection::fromEnvironment()))->count($job['slug']),
            'greet' => print("hello {$job['name']}\n"),
            'wait' => sleep($job['seconds']),
            default => throw new InvalidArgumentException("no job is called `{$job['job']}`"),
        };
    }
    return ['batchItemFailures' => $failed];
};
