import { describe, expect, it } from 'vitest';
import { chartText } from '#cli/format/bar-chart.ts';
import { html } from '#cli/html-report/html.ts';
import { markdownHtml } from '#cli/html-report/markdown.ts';
import { buildScale } from '#cli/html-report/time-scale.ts';
import { measureWidth } from '#cli/terminal/width.ts';
import type { LedgerAnswer, Sum } from '#protocol/tasks.ts';

describe('Markdown on a page', () => {
  const shown = (text: string) => markdownHtml(text).html;

  it("has its headings below the page's, and its lists, code and tables", () => {
    expect(shown('# A\n\n- **b** `c`\n\n| x |\n|---|\n| 1 |')).toBe(
      '<h3>A</h3><ul><li><strong>b</strong> <code>c</code> </li></ul><div class="wide"><table><thead><tr><th>x</th></tr></thead><tbody><tr><td>1</td></tr></tbody></table></div>',
    );
  });

  it('shows tags as text, also in raw blocks and code', () => {
    for (const text of [
      '<script>x</script>',
      'a <b onclick="x">',
      '<pre><img src=x onerror=y></pre>',
      'inline <pre>a < b <img/src=x></pre>',
      '```\n</code><script>\n```',
      '`<img>`',
      '[<img src=x>](http://x)',
    ])
      expect(shown(text)).not.toMatch(/<(script|img|b)\b/);
  });

  it('has links to the web and to relative files only', () => {
    expect(shown('[a](https://x.example/?a=1&b="2")')).toContain(
      'href="https://x.example/?a=1&amp;b=%222%22"'.replace(/%22/g, '&quot;'),
    );
    expect(shown('[a](src/a.ts#L1)')).toContain('href="src/a.ts#L1"');
    for (const href of [
      'javascript:alert(1)',
      'JaVaScRiPt:x',
      'data:text/html,x',
      '//evil.example/x',
      '\\\\evil\\x',
      'vbscript:x',
      'java&#115;cript:x',
    ])
      expect(shown(`[a](${href})`)).not.toContain('<a ');
    expect(shown('![a](https://x.example/i.png)')).toBe('<p>[image: a]</p>');
  });

  it('escapes every value of a template', () => {
    expect(html`<a title="${`"'<>&\u0000\u202e`}">${'\ud800'}${[html`<b>`]}${null}${7}</a>`.html).toBe(
      '<a title="&quot;&#39;&lt;&gt;&amp;">\ufffd<b>7</a>',
    );
  });
});

describe('the timeline', () => {
  it('draws work to scale, and a long pause short', () => {
    const minute = 60_000;
    const { x, pauses } = buildScale(
      [
        { from: 0, to: 10 * minute },
        { from: 1_000 * minute, to: 1_010 * minute },
      ],
      0,
      230,
    );
    expect([x(0), x(5 * minute), x(10 * minute), x(1_000 * minute), x(1_010 * minute)].map(Math.round)).toEqual([
      0, 50, 100, 130, 230,
    ]);
    expect(pauses.map(({ from, to }) => to - from)).toEqual([990 * minute]);
  });
});

describe('the chart of the ledger', () => {
  const sum = (runs: number, costUsd: number, costUnknown = 0): Sum => ({
    runs,
    timeMs: 0,
    inputTokens: 0,
    outputTokens: 0,
    tokensUnknown: 0,
    tokensPartial: 0,
    costUsd,
    costUnknown,
    advancedShare: null,
  });
  const totals: LedgerAnswer['totals'] = {
    ...sum(9, 1.5, 2),
    byTask: [],
    tasksHidden: 0,
    agentsHidden: 0,
    daysHidden: false,
    byAgent: [
      { agent: 'coder', ...sum(6, 1.5, 1) },
      { agent: '漢字漢字漢字漢字漢字漢字漢字', ...sum(2, 0, 2) },
      { agent: null, ...sum(1, 0) },
    ],
    byDay: [
      { day: '2026-11-24', ...sum(6, 1.5, 1) },
      { day: '2026-11-26', ...sum(3, 0, 3) },
    ],
  };

  it('shows unknown values as unknown, and days without runs', () => {
    const text = chartText({ colour: false, width: 60 }, totals);
    expect(text).toMatch(/^2026-11-24 █+ 6$/m);
    expect(text).toMatch(/^2026-11-25 none$/m);
    expect(text).toMatch(/^2026-11-24 █+ \$1\.50 \+ 1 unknown$/m);
    expect(text).toMatch(/^2026-11-26 unknown$/m);
  });

  it('fits the terminal', () => {
    for (const width of [40, 80, 200]) {
      const widths = chartText({ colour: false, width }, totals).split('\n').map(measureWidth);
      expect(Math.max(...widths)).toBeLessThanOrEqual(width);
    }
    expect(chartText({ colour: false, width: 40 }, { ...totals, byDay: [], byAgent: [] })).toBe(
      'No runs of agents or tasks have ended yet.',
    );
  });
});
