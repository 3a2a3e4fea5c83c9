import { describe, expect, it } from 'vitest';
import { commitsIn } from '#task/progress/count-commits.ts';
import { buildNaming } from '#task/progress/name-state.ts';
import { absolute, fromRoot, matches, within } from '#task/progress/paths.ts';

const place = { cwd: '/repo', realCwd: '/repo', root: '/repo' };
const names = (command: string, path: string, where = place) => buildNaming([command], where)(path);

describe('a command', () => {
  it.each([
    ['echo hi > src/a.ts', 'src/a.ts'],
    ['echo hi >> ./src/a.ts', 'src/a.ts'],
    ['npm test 2>&1 | tee test.log', 'test.log'],
    ["cat > src/a.ts <<'EOF'\nx\nEOF", 'src/a.ts'],
    ['sed -i s/a/b/ src/a.ts', 'src/a.ts'],
    ['sed -i s/a/b/ src/*.ts', 'src/a.ts'],
    ['rm -f /repo/src/a.ts', 'src/a.ts'],
    ['cd src && touch a.ts', 'src/a.ts'],
    ['cd src && cd deep && touch a.ts', 'src/deep/a.ts'],
    ['mv old.ts src/a.ts', 'old.ts'],
    ['rm -rf dist', 'dist/x/y.js'],
    ['prettier --write src/', 'src/deep/a.ts'],
    ["bash -lc 'echo hi > src/a.ts'", 'src/a.ts'],
    ['git checkout -- src/a.ts', 'src/a.ts'],
    ['python3 gen.py --out=src/a.ts', 'src/a.ts'],
    ["python3 - <<'EOF'\nopen('src/a.py','w').write('x')\nEOF", 'src/a.py'],
    ["node -e \"require('fs').writeFileSync('src/a.ts', '')\"", 'src/a.ts'],
    ['make -C sub gen.c', 'sub/gen.c'],
    ['dd if=/dev/zero of=src/a.bin', 'src/a.bin'],
    ['echo "$(date)" > src/a.ts', 'src/a.ts'],
    ['touch src/**/a.ts', 'src/x/y/a.ts'],
  ])('like %s names %s', (command, path) => expect(names(command, path)).toBe(true));

  it.each([
    ['cat src/a.ts; echo x > /elsewhere/b', 'src/a.ts'],
    ['cat src/a.ts', 'src/a.ts'],
    ['grep -n x src/a.ts && npm test', 'src/a.ts'],
    ['git add src/a.ts && git commit -m x', 'src/a.ts'],
    ['npm test src', 'src/a.ts'],
    ['black .', 'src/a.py'],
    ['echo hi > /repo2/src/a.ts', 'src/a.ts'],
    ['echo hi > ../src/a.ts', 'src/a.ts'],
    ['echo hi > "$FILE"', 'src/a.ts'],
    ['touch a.ts', 'src/a.ts'],
    ['rm -rf src', 'srcs/a.ts'],
    ['npm test', 'junit.xml'],
  ])('like %s does not name %s', (command, path) => expect(names(command, path)).toBe(false));

  it('names a file from the folder of its run, not from the root', () => {
    const inner = { cwd: '/link/pkg', realCwd: '/repo/pkg', root: '/repo' };
    expect(names('echo x > a.ts', 'pkg/a.ts', inner)).toBe(true);
    expect(names('echo x > /link/pkg/a.ts', 'pkg/a.ts', inner)).toBe(true);
    expect(names('echo x > /repo/b.ts', 'b.ts', inner)).toBe(true);
  });

  it('is matched in a bounded time, whatever its pattern', () => {
    const stars = `touch ${'*a'.repeat(140)}b`;
    const begun = performance.now();
    for (let index = 0; index < 1_000; index++) names(stars, `${'a'.repeat(400)}`);
    expect(performance.now() - begun).toBeLessThan(5_000);
  });
});

describe('a path', () => {
  it('is made absolute and relative', () => {
    expect(absolute('/a/b', '../c/./d')).toBe('/a/c/d');
    expect(absolute('/a', '/x//y/..')).toBe('/x');
    expect(absolute('/', '../../x')).toBe('/x');
    expect([within('/a', '/a/b'), within('/a', '/ab'), within('/a', '/a'), within('/', '/x')]).toEqual([
      'b',
      null,
      '',
      'x',
    ]);
    expect(fromRoot(place, '/repo/src', '../../x')).toBeNull();
  });

  it('matches a pattern or does not', () => {
    for (const [pattern, path, fits] of [
      ['*.ts', 'a.ts', true],
      ['*.ts', 'src/a.ts', false],
      ['src/?.ts', 'src/a.ts', true],
      ['**/a.ts', 'x/y/a.ts', true],
      ['**/a.ts', 'a.ts', true],
      ['a*b*c', 'aXXbYYc', true],
      ['a*b*c', 'aXXbYY', false],
      ['**', 'x/y', true],
    ] as const)
      expect([pattern, path, matches(pattern, path)]).toEqual([pattern, path, fits]);
  });
});

describe('the command', () => {
  it.each([
    'git commit -m x',
    'git -C /repo commit -qam x',
    'cd x && git commit --amend --no-edit',
    'git merge main',
    'git pull --rebase',
    'git cherry-pick abc',
    'git unknown-alias',
    'npm version patch',
    'npm run release',
    './release.sh',
    'make release',
    'python3 tool.py',
    "git commit -m \"$(cat <<'EOF'\nfeat: x\n\nbody",
    'gh pr merge 7',
  ])('%s may have made a commit', (command) => expect(commitsIn(command)).toBeGreaterThan(0));

  it.each([
    'cat pager.js; echo hi > /elsewhere/x',
    'git status',
    'git log -1 && git diff',
    'git add -A',
    'git push',
    'npm test',
    'npm run test:unit',
    'npm install x',
    'mkdir -p a && touch a/b',
    'sed -i s/a/b/ x',
    'cargo test',
    'tsc --noEmit',
    'echo "git commit"',
  ])('%s commits nothing', (command) => expect(commitsIn(command)).toBe(0));
});

describe("a command's number of commits", () => {
  it('is one for a plain commit, and any for a rebase or a script', () => {
    expect(commitsIn('git add -A && git commit -m x')).toBe(1);
    expect(commitsIn('git commit -m x; git commit -m y')).toBe(2);
    expect(commitsIn('git rebase main')).toBe(Number.POSITIVE_INFINITY);
    expect(commitsIn('git commit -m x && ./release.sh')).toBe(Number.POSITIVE_INFINITY);
  });
});
