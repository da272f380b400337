<?php
allow_methods('GET');
$attempt = require_attempt($params[1]);
if ($attempt['finished_at'] === null) {
    redirect('/exam/' . $attempt['id'] . '/review');
    return;
}
page_top('Examination finished', 'done');
?>
<h1>Examination finished</h1>
<p class="message good">Thank you, <?= h($attempt['name']) ?>. Your examination was handed in on <?= gmdate('Y-m-d \a\t H:i', $attempt['finished_at']) ?> UTC.</p>
<p>You answered <?= count($attempt['answers']) ?> of <?= question_count() ?> questions in <?= h(exam()['code']) ?>, <?= h(exam()['title']) ?>.</p>
<?php upload_summary($attempt['upload']); ?>
<p>Attempt <code><?= $attempt['id'] ?></code>. Results are published in the student portal.</p>
<p class="buttons"><a href="/exams">Back to the list of examinations</a> <a class="right" href="/logout">Log out</a></p>
<?php
page_bottom();
