<?php
// Northfield University, online examinations. Every request comes in here; the answer is written by one file of pages/.
declare(strict_types=1);

ini_set('display_errors', '0');
require __DIR__ . '/include/http.php';
require __DIR__ . '/include/content.php';
require __DIR__ . '/include/session.php';
require __DIR__ . '/include/store.php';
require __DIR__ . '/include/layout.php';

$routes = array(
    '#\A/\z#' => 'home',
    '#\A/login\z#' => 'login',
    '#\A/logout\z#' => 'logout',
    '#\A/exams\z#' => 'exams',
    '#\A/handbook\z#' => 'handbook',
    '#\A/broken\z#' => 'broken',
    '#\A/static/([a-z]+\.[a-z]+)\z#' => 'static',
    '#\A/exam/([0-9a-f]{32})/instructions\z#' => 'instructions',
    '#\A/exam/([0-9a-f]{32})/q/([1-9])\z#' => 'question',
    '#\A/exam/([0-9a-f]{32})/upload\z#' => 'upload',
    '#\A/exam/([0-9a-f]{32})/review\z#' => 'review',
    '#\A/exam/([0-9a-f]{32})/finish\z#' => 'finish',
    '#\A/exam/([0-9a-f]{32})/done\z#' => 'done',
    '#\A/exam/([0-9a-f]{32})/answers\.json\z#' => 'answers',
    '#\A/exam/([0-9a-f]{32})/scratch\z#' => 'scratch',
    '#\A/exam/([0-9a-f]{32})/calculator\z#' => 'calculator',
);

ob_start();
try {
    $page = null;
    foreach ($routes as $pattern => $name) {
        if (preg_match($pattern, request_path(), $params) === 1) {
            $page = $name;
            break;
        }
    }
    if ($page === null) {
        throw new HttpError(404, 'Page not found', 'There is no page at this address.');
    }
    if (body_is_too_large() && $page !== 'upload') {
        throw new HttpError(413, 'Request too large', 'The form is too large and was not saved. Your saved answers are not affected.');
    }
    require __DIR__ . '/pages/' . $page . '.php';
} catch (HttpError $error) {
    show_error($error);
} catch (Throwable $error) {
    error_log((string) $error);
    show_error(new HttpError(500, 'Something went wrong', 'The exam server could not answer this request. Your saved answers are not affected.'));
}
ob_end_flush();
