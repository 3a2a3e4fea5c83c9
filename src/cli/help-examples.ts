/** The examples below the options in `--help`. A test runs every one of them. */
import type { Command } from 'commander';

/** A shell line with an optional remark. A remark that begins with a number and a colon names the exit code. */
export type Example = string | readonly [line: string, says: string];

/** Examples by command, with the path of nested ones. '' is clip itself. */
export const examples: Readonly<Record<string, readonly Example[]>> = {
  '': ['clip run --name build -- make test', 'clip run --agent coder "make the tests pass"', 'clip status'],
  run: [
    'clip run --name build --timeout 30m -- make test',
    'clip run --follow -- sh -c "make test | tee log"',
    ['clip run --wait -- false', '1: it ends as the run does'],
    'clip run --agent coder --wait "make the tests pass"',
    'clip run --batch runs.jsonl --label job=nightly',
  ],
  runs: [
    'clip runs --failed --since 24h',
    'clip runs --task T1',
    'clip runs --label job=nightly --all',
    "clip runs --live --json | jq -r '.runs[].number'",
  ],
  show: ['clip show build', 'clip show @last --json | jq -r .run.stopReason'],
  logs: [
    'clip logs -f build',
    'clip logs -n 20 --stream stderr 12',
    ['clip logs -f --exit-code 11', '3: run 11 ended so'],
    'clip logs --rendered 13 > said.txt',
  ],
  wait: [
    'clip wait build && echo fine',
    'clip wait --any build server',
    ['clip wait --timeout 1s server', '121: it is still running'],
  ],
  cancel: [
    'clip cancel server',
    'clip cancel --label job=nightly --now',
    ['clip cancel 12', '5: it has ended already'],
  ],
  retry: ['clip retry 12', ['clip retry --wait 11', '3: it fails as before']],
  dismiss: ['clip dismiss 12', 'clip dismiss T2 13'],
  rm: ['clip rm 4', 'clip rm 5 6', ['clip rm 999', '3: there is no such run']],
  prune: ['clip prune --older-than 30d --dry-run', 'clip prune --keep 1000'],
  status: [
    'clip status',
    ['clip status --watch', 'the dashboard; ? shows its keys'],
    "clip status --json | jq -r '.needsYou[].what'",
  ],
  'task add': [
    'clip task add "Make the tests pass" --accept "npm test passes" --assign coder',
    'clip task add "Plan the move to ESM" --kind plan --assign coder',
    'clip task add "Fix the login" --description - --backlog < bug.txt',
  ],
  'task list': ['clip task list --assignee coder', "clip task list --status blocked --json | jq -r '.tasks[].title'"],
  'task show': ['clip task show T1', "clip task show T1 --json | jq -r '.comments[].text'"],
  'task edit': [
    'clip task edit T1 --accept "npm test passes" --priority 5',
    'clip task edit T1 --budget 2usd,3h',
    'clip task edit T1 --budget none',
  ],
  'task assign': ['clip task assign T2 me', 'clip task assign T2 coder'],
  'task start': ['clip task start T2'],
  'task done': ['clip task done T3'],
  'task block': ['clip task block T2 --reason "the registry wants a key"'],
  'task cancel': ['clip task cancel T4'],
  'task reopen': ['clip task reopen T4'],
  'task comment': ['clip task comment T1 "begin with the parser"', 'make test 2>&1 | clip task comment T1 -'],
  'task doc put': [
    'clip task doc put T1 plan plan.md',
    'make test 2>&1 | clip task doc put T1 test-log',
    'clip task doc put T1 plan --base 1 plan.md',
  ],
  'task doc get': ['clip task doc get T1 plan', 'clip task doc get T1 plan --revision 1 > first-plan.md'],
  'task doc list': ['clip task doc list T1', 'clip task doc list T1 --system'],
  continue: ['clip continue T1', 'clip continue T2 --agent coder --fresh "use the new API"'],
  ledger: ['clip ledger', 'clip ledger T1 --chart', 'clip ledger --agent coder --since 7d --json | jq .totals.costUsd'],
  handoff: ['clip handoff T1', 'clip handoff T1 --diff', 'clip handoff T1 --history'],
  'agent add': [
    'clip agent add builder --adapter codex --permission edit',
    'clip agent add reviewer --adapter claude --model opus --role reviewer',
    'clip agent add helper --preset qwen --permission full',
  ],
  'agent list': ['clip agent list', "clip agent list --json | jq -r '.agents[].name'"],
  'agent show': ['clip agent show coder'],
  'agent edit': [
    'clip agent edit coder --timeout 1h --budget-day 10usd,4h',
    'clip agent edit coder --every 30m --quiet-hours 22-7',
    'clip agent edit coder --every none',
  ],
  'agent pause': ['clip agent pause coder', 'clip agent pause coder --now'],
  'agent resume': ['clip agent resume coder'],
  'agent rm': ['clip agent rm helper'],
  'agent check': ['clip agent check coder', 'clip agent check coder --no-ask'],
  'group list': ['clip group list'],
  'group set': ['clip group set gpu --limit 1', 'clip group set gpu --limit none'],
  'group pause': ['clip group pause gpu'],
  'group resume': ['clip group resume gpu'],
  'group rm': ['clip group rm gpu'],
  'queue list': ['clip queue'],
  pause: ['clip pause', 'clip pause --now'],
  resume: ['clip resume'],
  'queue hold': ['clip queue hold'],
  'queue release': ['clip queue release'],
  events: ['clip events -f', 'clip events --since 10 | jq -r \'select(.type == "ended").runId\''],
  report: [
    'clip report progress "the parser is done, 14 tests pass"',
    'clip report next "write the tests of the printer"',
    'clip report blocked --who ops "the registry wants a key"',
    'clip report done "merged, all tests pass"',
  ],
  'daemon start': ['clip daemon start'],
  'daemon stop': [['clip daemon stop', 'runs live on'], 'clip daemon stop --cancel-runs'],
  'daemon restart': ['clip daemon restart'],
  'daemon status': ['clip daemon status', 'clip daemon status --json | jq .uptimeMs'],
  'daemon run': [['clip daemon run', 'as the ExecStart= of a service']],
  'daemon logs': ['clip daemon logs -n 20', 'clip daemon logs | jq -r \'select(.level == "error").message\''],
  'report-html': ['clip report-html T1.html --task T1', 'clip report-html --force report.html'],
  'boot enable': [['clip boot enable', 'from the next login on']],
  'boot status': ['clip boot status', 'clip boot status --json | jq -r .node'],
  'boot disable': ['clip boot disable'],
  'config list': [
    'clip config list',
    'clip config list --json | jq -r \'.settings[] | select(.source != "default").key\'',
  ],
  'config get': ['clip config get max_runs'],
  'config set': ['clip config set max_runs 20', 'clip config set hooks.failed \'["notify-send", "clip"]\''],
  'config unset': ['clip config unset hooks.failed'],
  'config path': ['clip config path'],
  backup: ['clip backup clip-copy.db'],
  completions: [
    ['eval "$(clip completions bash)"', 'in ~/.bashrc'],
    'clip completions zsh > _clip',
    'clip completions fish > clip.fish',
  ],
  doctor: ['clip doctor', 'clip doctor --fix', 'clip doctor --json | jq \'.checks[] | select(.state != "ok")\''],
  demo: ['clip demo'],
  help: ['clip help run', 'clip help task add', 'clip help exit-codes'],
};

/** Adds the examples to the help of a command and of all its subcommands. */
export function showExamples(command: Command, path = ''): void {
  const own = examples[path];
  if (own)
    command.addHelpText('after', `\n${own.length === 1 ? 'Example' : 'Examples'}:\n${formatExamples(own).join('\n')}`);
  for (const nested of command.commands) showExamples(nested, path === '' ? nested.name() : `${path} ${nested.name()}`);
}

function formatExamples(own: readonly Example[]): string[] {
  const pairs = own.map((example) => (typeof example === 'string' ? ([example, null] as const) : example));
  return pairs.map(([line, says]) => `  ${line}${says === null ? '' : `   # ${says}`}`);
}
