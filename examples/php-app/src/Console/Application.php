<?php declare(strict_types=1);

namespace App\Console;

use App\Database\Connection;
use App\Database\Migrations;
use App\Pages;

/** The console: what Craft's does in a deployment. */
final class Application
{
    /** @param list<string> $args */
    public static function run(array $args): int
    {
        match ($args[0] ?? 'help') {
            'cloud/up', 'migrate/all' => self::migrate(),
            'pages/list' => self::list(),
            default => print("cloud/up    brings the database up to date\npages/list  lists the pages\n"),
        };
        return 0;
    }

    private static function migrate(): void
    {
        $applied = (new Migrations(Connection::fromEnvironment()))->apply();
        foreach ($applied as $name) {
            echo "applied $name\n";
        }
        echo count($applied), " migrations applied\n";
    }

    private static function list(): void
    {
        foreach ((new Pages(Connection::fromEnvironment()))->all() as $page) {
            echo "{$page['slug']}: {$page['title']}\n";
        }
    }
}
