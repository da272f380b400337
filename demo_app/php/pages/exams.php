<?php
allow_methods('GET', 'POST');
$candidate = require_candidate();
if (is_post()) {
    check_csrf();
    if (field('exam') !== exam()['id']) {
        throw new HttpError(404, 'Examination not found', 'There is no such examination.');
    }
    redirect('/exam/' . new_attempt($candidate, candidate_name()) . '/instructions');
    return;
}
$attempts = attempts_of($candidate);
page_top('Examinations', 'exams');
?>
<h1>Examinations</h1>
<table class="list">
<tr><th>Code</th><th>Examination</th><th>Time</th><th></th></tr>
<tr><td><?= h(exam()['code']) ?></td><td><?= h(exam()['title']) ?>, <?= h(exam()['term']) ?></td><td><?= exam()['minutes'] ?> minutes</td><td>
<form method="post" action="/exams">
<?= csrf_field() ?>
<input type="hidden" name="exam" value="<?= h(exam()['id']) ?>" />
<input class="submit" type="submit" value="Start exam" />
</form>
</td></tr>
</table>
<?php if ($attempts): ?>
<h2>Your attempts</h2>
<table class="list">
<tr><th>Started</th><th>Attempt</th><th>State</th></tr>
<?php foreach ($attempts as $attempt): ?>
<tr><td><?= gmdate('Y-m-d H:i', $attempt['created_at']) ?> UTC</td><td><code><?= $attempt['id'] ?></code></td><td>
<?php if ($attempt['finished_at'] !== null): ?>
<a href="/exam/<?= $attempt['id'] ?>/done">Finished</a>
<?php else: ?>
<a href="/exam/<?= $attempt['id'] ?>/instructions">Continue</a>
<?php endif; ?>
</td></tr>
<?php endforeach; ?>
</table>
<?php endif;
page_bottom();
