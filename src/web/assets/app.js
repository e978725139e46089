// What makes the pages pleasant. Everything works without it.

const COALESCE_MS = 250; // changes closer together are fetched once
const TOAST_MS = 4000;
const NEAR_PX = 160; // this near to the end, the page follows what is new

document.documentElement.classList.add('js');

const byId = (id) => document.getElementById(id);

// Choices that need no button.
document.addEventListener('change', (event) => {
  if (event.target.matches('select[data-submit]')) event.target.form.requestSubmit();
});

// One submit a form. A page that comes back from the browser's memory may submit again.
document.addEventListener('submit', (event) => {
  if (event.target.dataset.sent) return event.preventDefault();
  event.target.dataset.sent = 'yes';
});
addEventListener('pageshow', () => {
  for (const form of document.forms) delete form.dataset.sent;
});

document.addEventListener('keydown', (event) => {
  // A key that is held down answers once.
  if (event.isComposing || event.repeat) return;
  const typing = event.target.matches('input, textarea, select');
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && event.target.matches('.composer textarea')) {
    event.preventDefault();
    event.target.form.requestSubmit();
  } else if (event.key === '/' && !typing && !event.ctrlKey && !event.metaKey && byId('search')) {
    event.preventDefault();
    byId('search').focus();
  } else if (!typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    // The answers of the first post on the list of those that nobody is sure of.
    document.querySelector(`button[data-key="${CSS.escape(event.key)}"]`)?.click();
  }
});

const page = byId('discussion');
if (page) {
  // After a form that was answered in place, the address is the discussion's own again: a reload asks for the page and sends nothing.
  const own = page.dataset.live.replace(/\/live$/, '');
  if (location.pathname !== own) history.replaceState(null, '', own + location.hash);
  // A link to a post that has been moved since, or is further up, finds it.
  const asked = /^#post-(\d+)$/.exec(location.hash);
  if (asked && !byId(location.hash.slice(1)) && !location.search.includes('all=1')) location.replace(`/posts/${asked[1]}`);
  if (byId('body')) {
    growing(byId('body'));
    keepingDraft(byId('body'));
  }
  watch(page);
  countDown();
}

// The box is as high as what is in it; the style sheet bounds it.
function growing(box) {
  const fit = () => {
    box.style.height = 'auto';
    box.style.height = `${box.scrollHeight + 2}px`;
  };
  box.addEventListener('input', fit);
  fit();
}

// What is being written survives a reload and a login that ran out, and stays a note if it was one. It is forgotten once it has
// become a post, which the address then names.
function keepingDraft(box) {
  const key = `draft ${location.pathname}`;
  const sentKey = `sent ${location.pathname}`;
  const internal = byId('internal');
  const sent = sessionStorage.getItem(sentKey) && location.hash.startsWith('#post-');
  sessionStorage.removeItem(sentKey);
  if (sent) sessionStorage.removeItem(key);
  const kept = JSON.parse(sessionStorage.getItem(key) ?? 'null');
  if (kept && box.value === '') {
    box.value = kept.body;
    if (internal) internal.checked = kept.internal;
    box.dispatchEvent(new Event('input'));
  }
  box.form.addEventListener('input', () => {
    sessionStorage.setItem(key, JSON.stringify({ body: box.value, internal: internal?.checked ?? false }));
  });
  box.form.addEventListener('submit', () => sessionStorage.setItem(sentKey, 'yes'));
}

// Follows the discussion while the page is in view; a hidden one would take a connection that other pages need.
function watch(root) {
  let source = null;
  let timer = 0;
  let opened = false;
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(refresh, COALESCE_MS);
  };
  const start = () => {
    if (source) return;
    source = new EventSource(root.dataset.live);
    source.addEventListener('changed', soon);
    source.addEventListener('open', () => {
      if (opened) soon(); // something may have been missed meanwhile
      opened = true;
    });
    // Ended for good: whoever may read no more sees that, too.
    source.addEventListener('error', () => source?.readyState === EventSource.CLOSED && soon());
  };
  const stop = () => {
    source?.close();
    source = null;
  };
  document.addEventListener('visibilitychange', () => (document.hidden ? stop() : start()));
  addEventListener('pagehide', stop);
  addEventListener('pageshow', (event) => event.persisted && start());
  if (!document.hidden) start();
}

// The seconds that an answer can still be taken back before it leaves.
function countDown() {
  setInterval(() => {
    for (const waiting of document.querySelectorAll('[data-seconds]')) {
      const left = Number(waiting.dataset.seconds) - 1;
      if (left < 0) continue;
      waiting.dataset.seconds = left;
      waiting.textContent = waiting.textContent.replace(/\d+/, left);
      if (left === 0) refresh();
    }
  }, 1000);
}

async function refresh() {
  let answer;
  try {
    answer = await fetch(location.pathname + location.search, { headers: { Accept: 'text/html' } });
  } catch {
    return; // offline: the stream's next opening asks again
  }
  if (answer.redirected || answer.status === 404) return location.reload();
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
  const news = fresh.getElementById('posts');
  if (!news) return;
  const atEnd = (byId('reply') ?? byId('posts').lastElementChild ?? page).getBoundingClientRect().top < innerHeight + NEAR_PX;
  const added = swapPosts(byId('posts'), news);
  for (const id of ['head', 'facts', 'held', 'reply-cost']) swapUnlessUsed(byId(id), fresh.getElementById(id));
  document.title = fresh.title;
  if (added > 0) {
    if (atEnd) byId('posts').lastElementChild.scrollIntoView({ block: 'nearest', behavior: 'smooth' });
    else toast(byId('discussion').dataset.new);
  }
}

// Puts the new list in, keeping every element that says the same, so that pictures and players stay as they are. How many are new.
function swapPosts(list, news) {
  const open = new Set([...list.querySelectorAll('details[open]')].map((d) => d.id));
  let added = 0;
  const kept = [...news.children].map((item) => {
    const old = item.id && byId(item.id);
    if (!old) {
      added += 1;
      item.classList.add('arriving');
      return item;
    }
    return same(old, item) ? old : item;
  });
  list.replaceChildren(...kept);
  for (const id of open) byId(id)?.setAttribute('open', '');
  return added;
}

function same(old, item) {
  const plain = old.cloneNode(true);
  plain.classList.remove('arriving');
  for (const details of plain.querySelectorAll('details')) details.removeAttribute('open');
  return plain.isEqualNode(item);
}

function swapUnlessUsed(old, item) {
  if (!old || !item || old.contains(document.activeElement) || old.querySelector('details[open]')) return;
  old.replaceWith(item);
}

function toast(text) {
  const box = byId('toast');
  box.textContent = text;
  box.classList.add('shown');
  setTimeout(() => box.classList.remove('shown'), TOAST_MS);
}
