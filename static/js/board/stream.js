// The board's way from the server: an event stream, resumed by version; where it fails, the snapshot's ETag is asked.

const QUIET = 30000;      // a stream that says nothing for so long (three pings) is dead, whatever the browser thinks
const POLL = 5000;
const FIRST = 1000, LONGEST = 30000;

const jittered = (wait) => wait * (0.5 + Math.random());

// follow(…) begins at once. `version()` is the page's own; `whole(board, sure)`, `delta(message)`, `heard(at)` are told
// what came: `delta` answers false where it could not be applied. `sure` is false for a board that was asked for.
export function follow({ events, snapshot, version, whole, delta, heard }) {
  let source = null, tries = 0, again = null, poll = null, quiet = null, etag = null, asking = null;

  const alive = (at) => {
    heard(at);
    clearTimeout(quiet);
    quiet = setTimeout(() => { if (source) source.close(); lost(); }, QUIET);
  };

  async function ask() {
    const headers = etag ? { 'If-None-Match': etag } : {};
    const answer = await fetch(snapshot, { headers, cache: 'no-store', credentials: 'same-origin' });
    if (answer.status === 304) return heard();
    if (!answer.ok) return undefined;
    const board = await answer.json();
    etag = answer.headers.get('ETag');
    heard();
    return whole(board, false);
  }

  function fetchWhole() {
    if (!asking) asking = ask().catch(() => undefined).finally(() => { asking = null; });
    return asking;
  }

  function lost() {
    source = null;
    clearTimeout(again);
    again = setTimeout(open, jittered(Math.min(LONGEST, FIRST * 2 ** tries)));
    tries += 1;
    if (!poll) poll = setInterval(fetchWhole, jittered(POLL));
  }

  function calm() {
    tries = 0;
    clearInterval(poll);
    poll = null;
  }

  function take(name, handler) {
    source.addEventListener(name, (event) => {
      calm();
      const message = JSON.parse(event.data);
      alive(message.at);
      handler(message);
    });
  }

  function open() {
    const join = events.includes('?') ? '&' : '?';
    source = new EventSource(`${events}${join}since=${version()}`);
    const mine = source;
    take('snapshot', (board) => whole(board, true));
    take('delta', (message) => { if (delta(message) === false) fetchWhole(); });
    take('reset', () => fetchWhole());
    take('ping', (message) => { if (message.version !== undefined && message.version > version()) fetchWhole(); });
    // A lost network the browser mends by itself; after an HTTP error it gives up for good.
    source.onerror = () => { if (mine === source && mine.readyState === EventSource.CLOSED) lost(); };
  }

  open();
  // While the browser mends a lost connection by itself no event comes: the snapshot is asked as well.
  setInterval(() => { if (source && source.readyState === EventSource.CONNECTING) fetchWhole(); }, POLL * 2);
  addEventListener('pagehide', () => { if (source) source.close(); });
  addEventListener('pageshow', (event) => { if (event.persisted) { clearTimeout(again); open(); } });
  return { fetchWhole };
}
