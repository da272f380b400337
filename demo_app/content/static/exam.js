// Northfield University, online examinations
function two(n) { return (n < 10 ? '0' : '') + n; }

// The clock starts when the first question of an attempt is on the screen and goes on over the pages.
function startTimer() {
  var box = document.getElementById('timer');
  if (!box) { return; }
  var key = 'deadline.' + box.getAttribute('data-attempt');
  var deadline = Number(sessionStorage.getItem(key));
  if (!deadline) {
    deadline = new Date().getTime() + 1000 * Number(box.getAttribute('data-seconds'));
    sessionStorage.setItem(key, String(deadline));
  }
  box.setAttribute('data-started', String(new Date().getTime()));
  function show() {
    var left = Math.max(0, Math.ceil((deadline - new Date().getTime()) / 1000));
    box.firstChild.nodeValue = left > 0 ? two(Math.floor(left / 60)) + ':' + two(left % 60) : 'Time is up';
    box.className = left < 300 ? 'late' : '';
  }
  show();
  setInterval(show, 500);
}

function openCalculator(address) {
  var popup = window.open(address, 'calculator', 'width=300,height=380,resizable=yes');
  if (popup) { popup.focus(); }
  return false;
}

// Left to right, like a pocket calculator.
function startCalculator() {
  var display = document.getElementById('display'), keys = document.getElementById('keys');
  if (!keys) { return; }
  var stored = 0, operator = '', fresh = true;
  function compute(a, b) {
    return operator === '+' ? a + b : operator === '-' ? a - b : operator === '*' ? a * b : operator === '/' ? a / b : b;
  }
  keys.onclick = function (event) {
    var key = event.target.getAttribute('value');
    if (!key) { return; }
    if (key === 'C') {
      stored = 0; operator = ''; fresh = true; display.value = '0';
    } else if (/[0-9.]/.test(key)) {
      if (key === '.' && !fresh && display.value.indexOf('.') >= 0) { return; }
      display.value = fresh ? (key === '.' ? '0.' : key) : display.value + key;
      fresh = false;
    } else {
      if (!fresh || operator === '') { stored = compute(stored, Number(display.value)); }
      operator = key === '=' ? '' : key;
      display.value = String(Number(stored.toPrecision(12)));
      fresh = true;
    }
  };
}

window.addEventListener('load', startTimer);
window.addEventListener('load', startCalculator);
