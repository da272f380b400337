<?php
// What every page needs of HTTP: the address, the form, redirects and errors.
declare(strict_types=1);

class HttpError extends Exception
{
    public function __construct(public int $status, public string $title, string $text, public string $allow = '')
    {
        parent::__construct($text);
    }
}

function h(string $text): string
{
    return htmlspecialchars($text, ENT_QUOTES | ENT_SUBSTITUTE, 'UTF-8');
}

/** The address without its query; parse_url() would take "//host" for a host. */
function request_path(): string
{
    return rawurldecode(explode('?', $_SERVER['REQUEST_URI'], 2)[0]);
}

function is_post(): bool
{
    return $_SERVER['REQUEST_METHOD'] === 'POST';
}

function allow_methods(string ...$methods): void
{
    $method = $_SERVER['REQUEST_METHOD'] === 'HEAD' ? 'GET' : $_SERVER['REQUEST_METHOD'];
    if (!in_array($method, $methods, true)) {
        throw new HttpError(405, 'Method not allowed', 'This page cannot be used in this way.', implode(', ', $methods));
    }
}

function redirect(string $path): void
{
    header('Location: ' . $path, true, 303);
}

/** Text without control characters, with plain newlines; bytes that are not UTF-8 are replaced. */
function clean_text(string $text): string
{
    $text = htmlspecialchars_decode(htmlspecialchars($text, ENT_NOQUOTES | ENT_SUBSTITUTE, 'UTF-8'), ENT_NOQUOTES);
    $text = str_replace(array("\r\n", "\r"), "\n", $text);
    return preg_replace('/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/', '', $text);
}

function text_length(string $text): int
{
    return (int) preg_match_all('/./su', $text);
}

function field(string $name): string
{
    $value = $_POST[$name] ?? '';
    return is_string($value) ? clean_text($value) : '';
}

/** @return string[] the values of a field called name[] in the form */
function field_list(string $name): array
{
    $values = $_POST[$name] ?? array();
    return is_array($values) ? array_values(array_unique(array_filter($values, 'is_string'))) : array();
}

function ini_bytes(string $name): int
{
    $value = (string) ini_get($name);
    $factor = array('K' => 1 << 10, 'M' => 1 << 20, 'G' => 1 << 30);
    $bytes = (int) $value * ($factor[strtoupper(substr($value, -1))] ?? 1);
    return $bytes > 0 ? $bytes : PHP_INT_MAX;
}

/** Where this is so PHP has thrown the whole form away. */
function body_is_too_large(): bool
{
    return (int) ($_SERVER['CONTENT_LENGTH'] ?? 0) > ini_bytes('post_max_size');
}

function show_error(HttpError $error): void
{
    ob_clean();
    header_remove('Location');
    http_response_code($error->status);
    if ($error->allow !== '') {
        header('Allow: ' . $error->allow);
    }
    page_top($error->title, 'error');
    ?>
<h1><?= h($error->title) ?></h1>
<p class="message error"><?= h($error->getMessage()) ?></p>
<p><a href="/exams">Back to the list of examinations</a></p>
    <?php
    page_bottom();
}
