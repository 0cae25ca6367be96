<?php declare(strict_types=1);

namespace App;

/** An image transform: the picture of the site, scaled. */
final class Thumbnail
{
    public static function png(int $width): string
    {
        $image = imagecreatefrompng(dirname(__DIR__) . '/resources/picture.png');
        $scaled = imagescale($image, max(1, min($width, 1000)));
        // Where Lambda lets files be written.
        $file = tempnam(sys_get_temp_dir(), 'thumbnail');
        imagepng($scaled, $file);
        $png = file_get_contents($file);
        unlink($file);
        return $png;
    }
}
