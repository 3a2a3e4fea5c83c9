import type { CancelAnswer, MappingAnswer, PruneAnswer } from '../../protocol/answers.ts';
import { type CancelRequest, cancelRequest, pruneRequest, refParams, retryRequest, runRequest, runsQuery } from '../../protocol/requests.ts';
import { eventViewOf } from '../../protocol/views.ts';
import { ClipError } from '../../run/errors.ts';
import { limits } from '../../run/limits.ts';
import { endedStatuses, isEnded, liveStatuses, type Run, type RunStatus } from '../../run/run.ts';
import { isSettled } from '../../run/step.ts';
import { endedSentence } from '../ended-words.ts';
import type { Answer } from '../supervisor.ts';
import { read } from './border.ts';
import type { Routes, World } from './world.ts';

/** Input travels as base64 inside JSON, which is a third longer. */
const runBodyBytes = Math.ceil((limits.promptBytesMax * 4) / 3) + 2 * limits.bodyBytesMax;

export const runRoutes: Routes = (api, world) => {
  const { store, supervisor, resolve, show } = world;

  api.post('/v1/runs', { bodyLimit: runBodyBytes }, (request, reply) => {
    const [answer] = world.admission.admit([read(runRequest, request.body)]);
    if (!answer || answer instanceof ClipError) throw answer ?? new Error('no answer');
    const run = supervisor.find(answer.run.number) ?? answer.run;
    const waits = world.scheduler.waitingFor(run);
    const notice = waits?.for === 'budget' ? `Run ${run.number} waits: ${waits.words}.` : null;
    return reply.code(answer.existing ? 200 : 201).send({ schema: 1, run: show.show(run), existing: answer.existing, notice });
  });

  api.get('/v1/runs', (request) => {
    const query = read(runsQuery, request.query);
    const label = query.label === undefined ? undefined : splitLabel(query.label);
    const filter = {
      statuses: statusesOf(query),
      group: query.group,
      name: query.name,
      since: query.since,
      label,
      agentId: query.agent === undefined ? undefined : world.agents.idOf(query.agent),
      task: query.task,
    };
    const page = store.runs.page(filter, { before: query.before ?? null, limit: query.limit });
    return { schema: 1, runs: page.runs.map((run) => show.show(supervisor.find(run.number) ?? run)), hidden: page.hidden, next: page.next };
  });

  api.get('/v1/runs/:run', async (request) => {
    const run = resolve(read(refParams, request.params).run);
    const view = await show.showSampled(run);
    return { schema: 1, run: view, events: store.events.ofRun(run.number, limits.eventsShown).map(eventViewOf) };
  });

  api.get(
    '/v1/runs/:run/mapping',
    (request): MappingAnswer => ({
      schema: 1,
      mapping: resolve(read(refParams, request.params).run).spec.agent?.mapping ?? null,
    }),
  );

  api.post('/v1/runs/:run/retry', { bodyLimit: runBodyBytes }, (request, reply) => {
    const run = resolve(read(refParams, request.params).run);
    const body = read(retryRequest, request.body);
    if (!isEnded(run.state))
      throw new ClipError(
        'refused',
        `Run ${run.number} is still ${run.state.status}; only an ended run can be retried.`,
        `Stop it first: clip cancel ${run.number}`,
      );
    const again = world.admission.retry(run, body);
    return reply.code(201).send({ schema: 1, run: show.show(supervisor.find(again.number) ?? again), existing: false });
  });

  api.delete('/v1/runs/:run', (request) => {
    const run = resolve(read(refParams, request.params).run);
    if (!isSettled(run)) {
      const why = isEnded(run.state) ? 'is still clearing up what it left behind' : `is ${run.state.status}`;
      throw new ClipError('refused', `Run ${run.number} ${why}; only an ended run can be removed.`, `Stop it first: clip cancel ${run.number}`);
    }
    world.removal.remove(run);
    return { schema: 1, removed: run.number };
  });

  api.post('/v1/prune', async (request): Promise<PruneAnswer> => {
    const { olderThanMs, keep, dryRun } = read(pruneRequest, request.body);
    request.raw.socket.setTimeout(0);
    const numbers = await world.removal.prune({ endedBefore: olderThanMs === null ? null : world.now() - olderThanMs, keep }, dryRun);
    return { schema: 1, dryRun, removed: numbers.length, runs: numbers.slice(0, limits.pageRunsMax) };
  });

  api.post('/v1/cancel', async (request): Promise<CancelAnswer> => {
    const body = read(cancelRequest, request.body);
    // A hundred thousand of them take their time, in which nothing is sent.
    request.raw.socket.setTimeout(0);
    const asked: (Target | CancelAnswer['results'][number])[] = [];
    for (const ref of body.runs) {
      try {
        for (const run of withTree(world, resolve(ref), body.tree)) asked.push({ ref, run });
      } catch (error) {
        if (!(error instanceof ClipError)) throw error;
        asked.push({ ref, number: null, result: 'not_found', message: error.message, hint: error.hint });
      }
    }
    // What waits is dropped first: otherwise it would start as soon as the others have gone.
    if (body.task !== null) world.wakes.drop({ task: world.tasks.get(body.task).number }, 'A person cancelled what runs of this task.');
    if (body.agent !== null) world.wakes.drop({ agentId: world.agents.idOf(body.agent) }, 'A person cancelled what this agent runs.');
    const results: CancelAnswer['results'] = [];
    for (let from = 0; from < asked.length; from += cancelChunk) {
      results.push(...order(world, asked.slice(from, from + cancelChunk), body));
      await othersTurn();
    }
    for (const page of selected(world, body)) {
      const found = page.flatMap((chosen) => withTree(world, chosen, body.tree)).map((run) => ({ ref: String(run.number), run }));
      results.push(...order(world, found, body));
      await othersTurn();
    }
    return { schema: 1, results };
  });
};

type Target = { readonly ref: string; readonly run: Run };

/** Orders in one transaction: few enough for a short turn of the loop. */
const cancelChunk = 200;

function statusesOf(query: { status?: RunStatus[] | undefined; failed?: boolean | undefined; live?: boolean | undefined }): readonly RunStatus[] | undefined {
  const chosen = new Set<RunStatus>(query.status ?? []);
  if (query.failed) for (const status of endedStatuses) if (status === 'failed' || status === 'timed_out') chosen.add(status);
  if (query.live) for (const status of liveStatuses) chosen.add(status);
  return chosen.size === 0 ? undefined : [...chosen];
}

function splitLabel(text: string): { key: string; value: string } {
  const at = text.indexOf('=');
  return { key: text.slice(0, at), value: text.slice(at + 1) };
}

/** Others get their turn between the chunks of a long queue. */
function othersTurn(): Promise<void> {
  return new Promise((resume) => setImmediate(resume));
}

/** Live runs chosen by what they have in common, page by page. Oldest last, so that the queue empties before slots become free. */
function* selected(world: World, body: CancelRequest): Generator<readonly Run[]> {
  if (!body.all && body.group === null && body.label === null && body.agent === null && body.task === null) return;
  const filter = {
    statuses: liveStatuses,
    group: body.group ?? undefined,
    label: body.label === null ? undefined : splitLabel(body.label),
    agentId: body.agent === null ? undefined : world.agents.idOf(body.agent),
    task: body.task ?? undefined,
  };
  for (let before: number | null = null; ; ) {
    const page = world.store.runs.page(filter, { before, limit: cancelChunk });
    yield page.runs;
    if (page.next === null) return;
    before = page.next;
  }
}

/**
 * The run and, when asked, the living runs that were started inside it, however many ended ones lie in
 * between. The outer one first: it must not start more.
 */
function withTree(world: World, run: Run, tree: boolean): Run[] {
  if (!tree) return [run];
  const all = [run];
  for (let next = 0; next < all.length; next += 1) all.push(...world.store.runs.children(all[next]?.id ?? ''));
  const living = all.filter(({ state }) => !isEnded(state));
  // When nothing lives, the one that was named is asked, so that it says so.
  return living.length > 0 ? living : [run];
}

/** Answers in the order in which was asked. */
function order(world: World, asked: readonly (Target | CancelAnswer['results'][number])[], body: CancelRequest): CancelAnswer['results'] {
  const event = { type: 'stop-requested', order: 'cancelled', graceMs: body.graceMs, now: body.now } as const;
  const runs = asked.flatMap((each) => ('run' in each ? [each.run] : []));
  const answers = world.supervisor.submitAll(runs.map(({ number }) => ({ number, event })));
  return asked.map((each) => ('run' in each ? resultOf(world, each.ref, each.run, answers[runs.indexOf(each.run)] ?? null) : each));
}

function resultOf(world: World, ref: string, run: Run, answer: Answer | null): CancelAnswer['results'][number] {
  const to = (result: CancelAnswer['results'][number]['result'], message: string) => ({ ref, number: run.number, result, message, hint: null });
  if (!answer) return to('not_found', `There is no run ${run.number}.`);
  if (answer.step.kind === 'moved') {
    if (isEnded(answer.run.state)) return to('cancelled', `Run ${run.number} was cancelled before it started.`);
    return to('ordered', `Run ${run.number} is being stopped.`);
  }
  if (answer.step.kind === 'refused' && answer.step.why === 'already_stopping') return to('already_stopping', `Run ${run.number} is being stopped already.`);
  return to('already_ended', endedSentence(answer.run, world.now()));
}
