// The labels of one bag on the server: saved after every change, one request at a time.
import {GoneError, post, getJson, ServerError} from './api.js';

const AGAIN_MS = 1000;
const clockTime = () => new Date().toLocaleTimeString('en-GB');

export class Saver {
  // onState is told whenever something of the fields below changed, onLabels of other labels.
  constructor(bag, tab, labels, {onState, onLabels}) {
    this.base = `/api/bags/${bag}`;
    this.tab = tab;
    this.onState = onState;
    this.onLabels = onLabels;
    this.pending = null;
    this.busy = false;
    this.sent = 0;
    this.gone = false;
    this.closed = false;
    this.complaint = '';
    this.taken = false;
    this.saved = '';
    this.adopt(labels);
    this.timer = setInterval(() => this.look(), AGAIN_MS);
  }

  adopt(labels) {
    for (const field of ['revision', 'disk', 'editor', 'locked', 'changed']) this[field] = labels[field];
  }

  // Whether changes may be made here.
  get writable() {
    return this.editor && !this.changed && !this.gone;
  }

  save(segments) {
    this.pending = segments;
    this.send();
  }

  async send() {
    // What was refused waits until a person, or what the server says next, allows it again.
    if (this.busy || this.pending === null || this.closed || !this.editor || this.changed) return;
    const segments = this.pending;
    this.pending = null;
    this.busy = true;
    this.sent += 1;
    this.onState();
    try {
      const answer = await post(`${this.base}/labels`, this.document(segments));
      this.gone = false;
      this.complaint = '';
      this.adopt(answer);
      this.saved = clockTime();
    } catch (error) {
      this.refused(error, segments);
    } finally {
      this.busy = false;
    }
    this.onState();
    if (!this.gone) this.send();
  }

  document(segments) {
    const {tab, revision, disk} = this;
    return {tab, revision, disk, segments};
  }

  refused(error, segments) {
    this.complaint = error.message;
    if (error instanceof GoneError) {
      this.gone = true;
      this.pending ??= segments;
    } else if (error instanceof ServerError && error.reason === 'disk') {
      this.changed = true;
      this.pending ??= segments;
    } else if (error instanceof ServerError && error.reason) {
      this.editor = false;
      this.taken = true;
      this.revision = -1;
      this.look();
    }
  }

  // How do things stand? Also tells the server that this tab is alive.
  async look() {
    if (this.closed || this.busy || this.looking) return;
    this.looking = true;
    const {sent} = this;
    try {
      const state = await getJson(`${this.base}/state?tab=${this.tab}&revision=${this.revision}`);
      // An answer from before a change was saved tells of what is no longer so.
      if (this.closed || this.sent !== sent) return;
      const was = this.editor;
      const other = state.revision !== this.revision;
      this.gone = false;
      const keptDisk = this.disk;
      this.adopt(state);
      // What another program wrote must not be overwritten before a person has said so.
      if (this.changed) this.disk = keptDisk;
      this.found = state.disk;
      if (was && !this.editor) {
        this.taken = true;
        this.pending = null;
      }
      if (other && state.segments && !this.editor) this.onLabels(state.segments);
      if (this.pending !== null && this.writable) this.send();
    } catch (error) {
      this.gone = error instanceof GoneError;
      if (this.gone) this.complaint = error.message;
    } finally {
      this.looking = false;
    }
    this.onState();
  }

  // Another program wrote the file: take its labels, or write ours over it.
  async takeTheirs() {
    this.sent += 1;
    try {
      const state = await post(`${this.base}/reload`, {tab: this.tab});
      this.pending = null;
      this.complaint = '';
      this.adopt(state);
      this.onLabels(state.segments);
    } catch (error) {
      this.complaint = error.message;
    }
    this.onState();
  }

  keepOurs(segments) {
    this.disk = this.found ?? this.disk;
    this.changed = false;
    this.save(segments);
  }

  // The tab is closed or goes to another bag, or opens this one again.
  close(farewell) {
    if (this.closed) return;
    clearInterval(this.timer);
    this.closed = true;
    const ignore = () => {};
    // What is under way arrives; what waits behind it is sent now, as nobody will be here then.
    if (this.pending !== null && this.writable) {
      post(`${this.base}/labels`, this.document(this.pending), {keepalive: true}).catch(ignore);
    }
    if (farewell) post(`${this.base}/leave`, {tab: this.tab}, {keepalive: true}).catch(ignore);
  }
}
