// A page that is opened from a folder may start no worker: the search runs in a hidden frame then.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(address) {
      super();
      this.waiting = [];
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      document.body.append(this.frame);
      const inner = this.frame.contentWindow;
      inner.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
      inner.importScripts = (...scripts) =>
        scripts.reduce((before, one) => before.then(() => load(one)), Promise.resolve());
      const load = (source) =>
        new Promise((done, failed) => {
          const script = inner.document.createElement("script");
          script.onload = done;
          script.onerror = failed;
          script.src = new URL(source, document.baseURI);
          inner.document.head.append(script);
        });
      load(address).then(() => {
        this.tell = (data) => inner.dispatchEvent(new MessageEvent("message", { data }));
        this.waiting.forEach(this.tell);
      });
    }
    postMessage(data) {
      this.tell ? this.tell(data) : this.waiting.push(data);
    }
    terminate() {
      this.frame.remove();
    }
    set onmessage(listener) {
      this.addEventListener("message", listener);
    }
    set onerror(listener) {
      this.addEventListener("error", listener);
    }
  };
}
