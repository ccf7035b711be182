// The line to the server: a socket where there is one, plain requests where there is none; never a promise it cannot keep.
import { io } from '/static/vendor/socket.io.esm.min.js';

const PATIENCE = 6000;       // an answer that takes longer is asked for again
const POLL = 8000;           // without a socket: how often the state is fetched
const EVENTS = ['sheet', 'window', 'phase', 'notice', 'freeze', 'ruling'];

export class Link {
  // on: {state(name), open(answer), event(name, data), signedOut()}
  constructor({ contest, api, csrf, on }) {
    Object.assign(this, { contest, api, csrf, on });
    this.state = 'connecting';   // connecting | socket | http | offline | signed_out
    this.failures = 0;
    this.since = Date.now();
    this.silent = 0;
    this.opened = false;
  }

  start() {
    this.socket = io('/judge', {
      transports: ['websocket'], reconnectionDelay: 400, reconnectionDelayMax: 6000, randomizationFactor: 0.6, timeout: 6000,
    });
    this.socket.on('connect', () => { this.failures = 0; this.open(); });
    this.socket.on('disconnect', (why) => {
      this.opened = false;
      if (this.state === 'socket') this.become('connecting');
      if (why === 'io server disconnect') this.again();   // the client does not try by itself after this one
    });
    this.socket.on('connect_error', (error) => {
      this.failures += 1;
      if (/signed_out/.test(`${error.message} ${error.data?.code ?? ''}`)) return this.signOut();
      if (!this.socket.active) this.again();
      if (this.failures >= 2 || this.state === 'http') this.poll();
      return null;
    });
    for (const name of EVENTS) this.socket.on(name, (data) => this.on.event(name, data || {}));
    window.addEventListener('online', () => { if (!this.socket.connected && this.state !== 'signed_out') this.socket.connect(); });
  }

  get ready() { return this.state === 'socket' || this.state === 'http'; }

  become(state) {
    if (state === this.state) return;
    this.state = state;
    this.since = Date.now();
    this.on.state(state);
  }

  again() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => { if (!this.socket.connected && this.state !== 'signed_out') this.socket.connect(); }, this.pause());
  }

  pause() { return Math.min(6000, 400 * 2 ** Math.min(this.failures, 4)) * (0.5 + Math.random()); }

  signOut() {
    this.become('signed_out');
    clearTimeout(this.poller);
    this.socket.disconnect();
    this.on.signedOut();
  }

  async open() {
    try {
      const answer = await this.emit('open', { contest: this.contest });
      if (answer?.ok) {
        this.opened = true;
        clearTimeout(this.poller);
        await this.on.open(answer);
        this.become('socket');
      } else if (answer?.error?.code === 'signed_out') this.signOut();
      else this.on.event('refused', answer?.error || {});
    } catch { this.drop(); }
  }

  // A socket that says it is connected and does not answer is not connected
  drop() {
    if (!this.socket.connected) return;
    this.become('connecting');
    this.socket.io.engine?.close();
  }

  async emit(event, message) {
    return this.socket.timeout(PATIENCE).emitWithAck(event, message);
  }

  // Without a socket. Also keeps the state fresh, until the socket is back.
  async poll() {
    if (this.polling || this.state === 'signed_out') return;
    this.polling = true;
    clearTimeout(this.poller);
    try {
      const [answer] = await this.post([{ event: 'open', contest: this.contest }]);
      if (!this.socket.connected) {
        if (answer?.ok) await this.on.open(answer);
        this.become('http');
      }
    } catch { if (!this.socket.connected && this.state !== 'signed_out') this.become('offline'); }
    this.polling = false;
    if (!this.socket.connected && this.state !== 'signed_out') this.poller = setTimeout(() => this.poll(), POLL * (0.7 + 0.6 * Math.random()));
  }

  async post(messages) {
    const answer = await fetch(this.api, {
      method: 'POST', credentials: 'same-origin', signal: AbortSignal.timeout(PATIENCE * 2),
      headers: { 'Content-Type': 'application/json', 'X-CSRFToken': this.csrf || '' }, body: JSON.stringify(messages),
    });
    if (answer.status === 401) { this.signOut(); throw new Error('signed_out'); }
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const list = await answer.json();
    if (!Array.isArray(list)) throw new Error('no list');
    return list;
  }

  // The queue's way out: each message answered, or an error where the outcome is not known
  async send(messages) {
    if (this.state === 'http') {
      try {
        const answers = await this.post(messages);
        return answers;
      } catch (error) {
        if (this.state === 'http') this.become('offline');
        throw error;
      }
    }
    if (this.state !== 'socket' || !this.socket.connected) throw new Error('offline');
    const answers = [];
    for (const { event, ...message } of messages) {
      try {
        answers.push(await this.emit(event, message));
        this.silent = 0;
      } catch (error) {
        this.silent += 1;
        this.drop();
        throw error;
      }
    }
    return answers;
  }

  // One message that is not queued: a ruling, a window. Rejects where no answer came.
  async ask(event, message) {
    const [answer] = await this.send([{ event, contest: this.contest, ...message }]);
    if (answer?.error?.code === 'signed_out') this.signOut();
    return answer;
  }
}
