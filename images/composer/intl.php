<?php

// As much of the extension intl as Composer's messages need where it is missing;
// the official file has Symfony's replacement.

class Normalizer
{
    const FORM_D = 4, NFD = 4, FORM_KD = 8, NFKD = 8, FORM_C = 16, NFC = 16, FORM_KC = 32, NFKC = 32;
}

function normalizer_is_normalized(string $text, int $form = Normalizer::NFC): bool
{
    return true;
}

function normalizer_normalize(string $text, int $form = Normalizer::NFC): string
{
    return $text;
}

function grapheme_strlen(string $text): int
{
    return mb_strlen($text);
}

function grapheme_substr(string $text, int $offset, ?int $length = null): string
{
    return mb_substr($text, $offset, $length);
}

function grapheme_strpos(string $text, string $part, int $offset = 0): int|false
{
    return mb_strpos($text, $part, $offset);
}

function grapheme_strrpos(string $text, string $part, int $offset = 0): int|false
{
    return mb_strrpos($text, $part, $offset);
}
