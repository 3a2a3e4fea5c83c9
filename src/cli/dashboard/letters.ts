/** What the letters do on each page. Pure. */
import { openForm } from './forms.ts';
import { showMatch } from './move.ts';
import { nextMatch } from './search.ts';
import {
  type ActionRequest,
  back,
  currentPage,
  open,
  pageOfRun,
  pageOfTask,
  replaced,
  type Scene,
  type State,
  type Step,
  said,
  stay,
} from './state.ts';
import { findTarget, type Target } from './target.ts';

type Act = (state: State, target: Target, scene: Scene) => Step;

const order = (state: State, request: ActionRequest): Step => ({ state, order: request });
const say = (state: State, text: string): Step => stay(said(state, text));

/** Builds an action on the task of what is chosen. */
const onTask =
  (act: (state: State, task: number, target: Target) => Step): Act =>
  (state, target) =>
    target.task === null ? say(state, 'This belongs to no task.') : act(state, target.task, target);

/** Returns the step of a letter. An unknown one does nothing. */
export function pressLetter(state: State, text: string, scene: Scene): Step {
  const act = (currentPage(state).name === 'board' ? onBoard[text] : onPages[text]) ?? everywhere[text];
  return act === undefined ? stay(state) : act(state, findTarget(state, scene), scene);
}

const onBoard: Readonly<Record<string, Act>> = {
  '/': (state) => openForm(state, { kind: 'filter' }, state.filter),
  n: (state) => openForm(state, { kind: 'new-task' }),
  N: (state) => openForm(state, { kind: 'new-run' }),
};

const onPages: Readonly<Record<string, Act>> = {
  '/': (state, _, { text }) =>
    text === null ? say(state, 'There is no text to search in.') : openForm(state, { kind: 'search' }),
  n: (state, _, scene) => searchOn(state, scene, 1),
  N: (state, _, scene) => searchOn(state, scene, -1),
};

const everywhere: Readonly<Record<string, Act>> = {
  q: (state) => order(state, { type: 'quit' }),
  '?': (state) => stay(currentPage(state).name === 'help' ? back(state) : open(state, { name: 'help', scroll: 0 })),
  T: (state) =>
    stay(
      currentPage(state).name === 'timeline'
        ? back(state)
        : open(state, { name: 'timeline', hours: 6, back: 0, scroll: 0 }),
    ),
  l: showLog,
  t: (state, { task }) => {
    if (currentPage(state).name === 'task') return stay(state);
    return task === null ? say(state, 'This belongs to no task.') : stay(open(state, pageOfTask(task)));
  },
  c: cancel,
  r: retry,
  X: remove,
  m: continueIt,
  D: onTask((state, task) => order(state, { type: 'done', task })),
  C: onTask((state, task) => openForm(state, { kind: 'comment', task })),
  a: onTask((state, task) => openForm(state, { kind: 'assign', task })),
  x: dismiss,
  p: (state, { agent }) =>
    agent === null ? say(state, 'No agent works on this.') : order(state, { type: 'toggle-pause', agent }),
  '+': (state, target) => prioritize(state, target, 1),
  '-': (state, target) => prioritize(state, target, -1),
  y: (state, target) => {
    const text = target.run === null || isOfTask(target) ? nameOfTask(target.task) : String(target.run);
    return text === null ? say(state, 'There is nothing to copy.') : order(state, { type: 'copy', text });
  },
  Y: (state, target) => onFolder(state, target, 'copy-folder'),
  o: (state, target) => onFolder(state, target, 'open-folder'),
};

/** Returns whether an item that needs a person is about its task, and not about its run. */
const isOfTask = ({ row, task }: Target): boolean => row?.section === 'needs' && task !== null;

const nameOfTask = (task: number | null): string | null => (task === null ? null : `T${task}`);

function showLog(state: State, { run }: Target): Step {
  const page = currentPage(state);
  if (page.name === 'run') return stay(replaced(state, { ...page, whole: !page.whole, scroll: 0 }));
  return run === null ? say(state, 'There is no run to show the log of.') : stay(open(state, pageOfRun(run, true)));
}

function searchOn(state: State, scene: Scene, by: 1 | -1): Step {
  const page = currentPage(state);
  const search = page.name === 'run' || page.name === 'task' ? page.search : null;
  if (search === null || scene.text === null) return say(state, 'Nothing is searched here. / begins a search.');
  const at = nextMatch(scene.text, search.query, search.at, by);
  return stay(showMatch(state, scene, { ...search, at }));
}

/** Asks before it cancels a run. A run that is already being stopped is killed at once. */
function cancel(state: State, { run, view }: Target): Step {
  if (run === null) return say(state, 'There is no run to cancel.');
  if (view?.status === 'stopping') return order(state, { type: 'cancel', run, now: true });
  if (view && view.endedAt !== null) return say(state, `Run ${run} has ended already.`);
  return stay({ ...state, asking: { action: 'cancel', run } });
}

function retry(state: State, { run, view }: Target): Step {
  if (run === null) return say(state, 'There is no run to retry.');
  if (view && view.endedAt === null) return say(state, `Run ${run} has not ended yet; c cancels it.`);
  return order(state, { type: 'retry', run });
}

/** Asks before it removes an ended run. */
function remove(state: State, { run, view }: Target): Step {
  if (run === null) return say(state, 'There is no run to remove.');
  if (view && view.endedAt === null) return say(state, `Run ${run} has not ended yet; c cancels it.`);
  return stay({ ...state, asking: { action: 'remove', run } });
}

/** Asks for words, with which the task is continued. A run without a task is continued by itself. */
function continueIt(state: State, { run, view, task }: Target): Step {
  if (task !== null) return openForm(state, { kind: 'continue', task, run: null });
  if (run === null) return say(state, 'There is nothing to continue.');
  if (view && view.endedAt === null) return say(state, `Run ${run} has not ended yet; c cancels it.`);
  if (view && view.agentName === null)
    return say(state, `Run ${run} is a plain command, which takes no words; r runs it once more.`);
  return openForm(state, { kind: 'continue', task: null, run });
}

function dismiss(state: State, { row, run, view, task }: Target): Step {
  if (row?.section === 'needs') {
    if (row.need.kind === 'budget') return say(state, 'A limit cannot be dismissed; it ends by itself or is raised.');
    if (row.need.kind === 'task' && task !== null) return order(state, { type: 'dismiss-task', task });
  }
  if (run === null && task !== null) return order(state, { type: 'dismiss-task', task });
  if (run === null) return say(state, 'There is nothing to dismiss.');
  if (view !== null && !view.needsYou) return say(state, `Run ${run} does not need you.`);
  return order(state, { type: 'dismiss-run', run });
}

/** Changes the priority of a task. That of a queued run is fixed when it is submitted. */
function prioritize(state: State, { task, run, view }: Target, by: 1 | -1): Step {
  const page = currentPage(state);
  if (page.name === 'timeline') return stay(replaced(state, { ...page, hours: zoomed(page.hours, by === 1 ? -1 : 1) }));
  if (task !== null) return order(state, { type: 'prioritize', task, by });
  if (run === null) return stay(state);
  const queued = view?.status === 'queued';
  return say(
    state,
    queued
      ? `The priority of run ${run} was fixed when it was submitted; that of a task can be changed.`
      : `Run ${run} does not wait, and belongs to no task.`,
  );
}

const hoursShown = [1, 3, 6, 12, 24, 72] as const;

function zoomed(hours: number, by: 1 | -1): number {
  const at = hoursShown.indexOf(hours as (typeof hoursShown)[number]);
  return hoursShown[Math.min(Math.max(at + by, 0), hoursShown.length - 1)] ?? hours;
}

function onFolder(state: State, { folder, task }: Target, type: 'copy-folder' | 'open-folder'): Step {
  const place = folder !== null ? { folder } : task !== null ? { task } : null;
  return place === null ? say(state, 'There is no folder to show.') : order(state, { type, place });
}
