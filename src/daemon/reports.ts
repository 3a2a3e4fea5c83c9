/**
 * Where reports of runs come in, over the API and in the streams of agents. One is stored once, however
 * often and on however many ways it comes, together with all that follows from it.
 */
import { cleanReport, type ReportWords, type SentReport } from '../run/agent-report.ts';
import { ClipError } from '../run/errors.ts';
import { limits } from '../run/limits.ts';
import { isEnded, type Run } from '../run/run.ts';
import { withoutSecrets } from '../run/secret.ts';
import type { StoredReport } from '../store/reports.ts';
import type { Store } from '../store/store.ts';
import { endedSentence } from './ended-words.ts';
import type { RunTokens } from './run-tokens.ts';
import type { Supervisor } from './supervisor.ts';

export type Reports = ReturnType<typeof createReports>;

/** Called in the transaction that stores the report. */
export type OnReport = (run: Run, report: StoredReport) => void;

export function createReports(world: {
  store: Store;
  supervisor: Supervisor;
  tokens: RunTokens;
  /** Values of this run's variables that must not stand in what is kept. */
  secretsOf: (run: Run) => readonly string[];
  now: () => number;
  taskOf: (run: Run) => number | null;
  onReport: OnReport;
}) {
  const { store, supervisor, tokens } = world;

  /** The one with this id that is there already, or this one, stored; null when it says nothing, or there are too many. */
  function take(run: Run, sent: Omit<SentReport, 'token'>): StoredReport | 'empty' | 'too_many' {
    const before = store.reports.get(run.number, sent.id);
    if (before !== null) return before;
    if (store.reports.count(run.number) >= limits.reportsPerRun) return 'too_many';
    const words: ReportWords = cleanReport(withoutSecrets({ kind: sent.kind, text: sent.text, who: sent.who }, [tokens.of(run), ...world.secretsOf(run)]));
    if (words.text === '') return 'empty';
    const report = { run: run.number, id: sent.id, task: world.taskOf(run), ...words, at: world.now() };
    store.reports.put(report);
    supervisor.note({ task: report.task, run, type: 'report', data: words });
    // Its keeper may be gone, but whoever reports is at work.
    supervisor.submit(run.number, { type: 'activity' });
    world.onReport(run, report);
    return report;
  }

  return {
    /** What a run sends over the API. */
    send(run: Run, sent: SentReport): StoredReport {
      if (!tokens.isOf(run, sent.token))
        throw new ClipError(
          'refused',
          `This is not the token of run ${run.number}: only the run itself may report for it.`,
          'Inside the run, clip report finds its token in CLIP_RUN_TOKEN.',
        );
      // Sent again because the answer was lost: it came in while the run lived.
      const before = store.reports.get(run.number, sent.id);
      if (before !== null) return before;
      if (isEnded(run.state)) throw new ClipError('refused', endedSentence(run, world.now()), 'Only a run that lives can report.');
      const taken = supervisor.together(() => take(run, sent));
      if (taken === 'empty') throw new ClipError('usage', 'The report says nothing.', 'Say what there is to say: clip report next "write the tests"');
      if (taken === 'too_many')
        throw new ClipError(
          'refused',
          `Run ${run.number} has made ${limits.reportsPerRun} reports, and that is the most.`,
          'Report what matters: clip help report',
        );
      return taken;
    },

    /** What was read in a run's stream: taken if it is the run's own, and the run has not ended. Called inside a transaction of the supervisor. */
    read(number: number, sent: readonly SentReport[]): void {
      const run = supervisor.find(number);
      if (run === null || isEnded(run.state)) return;
      for (const report of sent) if (tokens.isOf(run, report.token)) take(run, report);
    },
  };
}
