// A job's page while it runs: asks how far it is, and comes anew once it has begun or ended.
const page = document.getElementById('job');
const bar = document.getElementById('job-bar');
const says = document.getElementById('job-says');
let pause = 1000;
let said = '';

async function look() {
  let job = null;
  try {
    const answer = await fetch(page.dataset.url, { headers: { Accept: 'application/json' } });
    if (answer.status === 401 || answer.status === 404) return location.reload();
    if (answer.ok) job = await answer.json();
  } catch { /* no network: it is asked again */ }
  if (job) {
    if (job.state !== page.dataset.state) return location.reload();
    if (job.total) {
      bar.max = job.total;
      bar.value = job.done;
    }
    const words = [job.total ? `${job.done} / ${job.total}` : '', job.message].filter(Boolean).join(' ');
    if (words && words !== said) says.textContent = said = words;
  }
  pause = Math.min(pause * 1.2, 5000);
  return setTimeout(look, pause);
}

setTimeout(look, pause);
