<?php declare(strict_types=1);

use App\Assets;
use App\Database\Connection;
use App\Pages;
use App\Thumbnail;

require dirname(__DIR__) . '/vendor/autoload.php';

$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);

if ($path === '/picture.png') {
    header('Content-Type: image/png');
    echo Thumbnail::png((int) ($_GET['width'] ?? 80));
    return;
}

$pages = new Pages(Connection::fromEnvironment());
$slug = trim($path, '/') ?: 'home';
$page = $pages->find($slug);
if ($page === null) {
    http_response_code(404);
    echo "no page here\n";
    return;
}
$pages->count($slug);
$title = htmlspecialchars($page['title']);
require dirname(__DIR__) . '/templates/page.php';
