<?php
// The examination itself: candidates, questions and what counts as an answer. The texts are in content/exam.json.
declare(strict_types=1);

const CONTENT = __DIR__ . '/../../content';
const SHORT_TEXT = 200;
const LONG_TEXT = 20000;

function content(): array
{
    static $content = null;
    $content ??= json_decode((string) file_get_contents(CONTENT . '/exam.json'), true, 16, JSON_THROW_ON_ERROR);
    return $content;
}

function exam(): array
{
    return content()['exam'];
}

function question_count(): int
{
    return count(content()['questions']);
}

/** The effective limit: a server with smaller PHP limits says so instead of promising more. */
function upload_megabytes(): int
{
    return min(exam()['upload_megabytes'], max(1, min(ini_bytes('upload_max_filesize'), ini_bytes('post_max_size')) >> 20));
}

function posted_answer(array $question): string|array
{
    return $question['kind'] === 'multiple' ? field_list('answer') : trim(field('answer'));
}

/** What is wrong with an answer, in words for the candidate; null when it can be saved. */
function answer_error(array $question, string|array $answer): ?string
{
    $kind = $question['kind'];
    if ($answer === '' || $answer === array()) {
        return null;
    }
    if ($kind === 'single' || $kind === 'multiple') {
        foreach ((array) $answer as $choice) {
            if (!isset($question['options'][$choice])) {
                return 'Please choose from the answers listed.';
            }
        }
    }
    if ($kind === 'short' && text_length($answer) > SHORT_TEXT) {
        return 'Your answer is too long: at most ' . SHORT_TEXT . ' characters can be saved.';
    }
    if ($kind === 'long' && text_length($answer) > LONG_TEXT) {
        return 'Your answer is too long: at most ' . LONG_TEXT . ' characters can be saved.';
    }
    if ($kind === 'number' && preg_match('/\A[+-]?[0-9]{1,12}([.,][0-9]{1,6})?\z/', $answer) !== 1) {
        return 'Please enter a number, for example 2.75.';
    }
    return null;
}

/** An answer in words, for the review. */
function answer_text(array $question, string|array|null $answer): string
{
    if ($answer === null) {
        return 'Not answered';
    }
    if ($question['kind'] === 'single' || $question['kind'] === 'multiple') {
        $chosen = array();
        foreach ($question['options'] as $key => $text) {
            if (in_array((string) $key, (array) $answer, true)) {
                $chosen[] = $text;
            }
        }
        return implode('; ', $chosen);
    }
    return $answer;
}
