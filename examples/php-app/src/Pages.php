<?php declare(strict_types=1);

namespace App;

use PDO;

final class Pages
{
    public function __construct(private PDO $database)
    {
    }

    /** @return list<array{slug: string, title: string, views: int}> in the order of the language */
    public function all(): array
    {
        $pages = $this->database->query('SELECT slug, title, views FROM pages')->fetchAll();
        $collator = new \Collator('de');
        usort($pages, fn (array $a, array $b): int => $collator->compare($a['title'], $b['title']));
        return $pages;
    }

    public function find(string $slug): ?array
    {
        $query = $this->database->prepare('SELECT slug, title, views FROM pages WHERE slug = ?');
        $query->execute([$slug]);
        return $query->fetch() ?: null;
    }

    public function count(string $slug): void
    {
        $this->database->prepare('UPDATE pages SET views = views + 1 WHERE slug = ?')->execute([$slug]);
    }
}
