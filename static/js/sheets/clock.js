// How far this device's clock is from the server's, as far as one page load can tell.
const line = document.querySelector('[data-clock]');
if (line) {
  const began = performance.timeOrigin / 1000;
  const apart = Math.round(Math.abs(began - Number(line.dataset.clock)));
  const bad = apart > 5;
  line.dataset.state = bad ? 'bad' : 'ok';
  line.querySelector('.mark').textContent = bad ? '✕' : '✓';
  line.querySelector('small').textContent = (bad ? line.dataset.bad : line.dataset.good).replace('{n}', String(apart));
}
