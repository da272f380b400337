<?php
allow_methods('GET', 'POST');
$attempt = require_attempt($params[1]);
$number = (int) $params[2];
$last = question_count();
if ($number > $last) {
    throw new HttpError(404, 'Page not found', 'There is no page at this address.');
}
$base = '/exam/' . $attempt['id'];
$question = content()['questions'][$number - 1];
$answer = $attempt['answers'][$number] ?? '';
$error = null;
if (is_post()) {
    check_csrf();
    $answer = posted_answer($question);
    $error = answer_error($question, $answer);
    if ($error === null) {
        change_attempt($attempt['id'], function (array $attempt) use ($number, $answer): array {
            $attempt['answers'][$number] = $answer;
            if ($answer === '' || $answer === array()) {
                unset($attempt['answers'][$number]);
            }
            return $attempt;
        });
        $next = $number < $last ? "/q/" . ($number + 1) : '/upload';
        $previous = $number > 1 ? "/q/" . ($number - 1) : '/instructions';
        $goals = array('prev' => $previous, 'scratch' => "/scratch?q=$number");
        redirect($base . ($goals[field('go')] ?? $next));
        return;
    }
    http_response_code(422);
} elseif ($attempt['finished_at'] !== null) {
    redirect($base . '/done');
    return;
}
page_top("Question $number", 'question');
status_bar($attempt['id'], "Question $number of $last", intdiv(100 * $number, $last));
?>
<h1><?= $number ?>. <?= h($question['title']) ?></h1>
<?php if ($error !== null): ?>
<p class="message error"><?= h($error) ?></p>
<?php endif; ?>
<p><?= h($question['text']) ?></p>
<form method="post" action="<?= $base ?>/q/<?= $number ?>">
<?= csrf_field() ?>
<?php
if ($question['kind'] === 'single' || $question['kind'] === 'multiple') {
    $type = $question['kind'] === 'single' ? 'radio' : 'checkbox';
    $field = $question['kind'] === 'single' ? 'answer' : 'answer[]';
    echo '<ul class="options">';
    foreach ($question['options'] as $key => $text) {
        $checked = in_array((string) $key, (array) $answer, true) ? ' checked="checked"' : '';
        echo '<li><label><input type="' . $type . '" name="' . $field . '" value="' . $key . '"' . $checked . ' /> ' . h($text) . '</label></li>';
    }
    echo '</ul>';
} elseif ($question['kind'] === 'long') {
    echo '<p><textarea name="answer" rows="12" cols="80">' . "\n" . h($answer) . '</textarea></p>';
} else {
    $size = $question['kind'] === 'number' ? 12 : 50;
    echo '<p><input class="text" type="text" name="answer" size="' . $size . '" value="' . h($answer) . '" autocomplete="off" /></p>';
}
?>
<p class="buttons">
<button class="right" type="submit" name="go" value="next">Next</button>
<button type="submit" name="go" value="prev">Previous</button>
<button class="plain" type="submit" name="go" value="scratch">Scratch paper</button>
</p>
</form>
<?php
page_bottom();
