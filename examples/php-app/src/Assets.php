<?php declare(strict_types=1);

namespace App;

/** Addresses of what the Node.js step built. */
final class Assets
{
    public static function url(string $name): string
    {
        $manifest = dirname(__DIR__) . '/web/dist/manifest.json';
        $entries = json_decode(file_get_contents($manifest), true, 512, JSON_THROW_ON_ERROR);
        return (getenv('CRAFT_CLOUD_ARTIFACT_BASE_URL') ?: '/dist') . "/{$entries["resources/$name"]['file']}";
    }
}
