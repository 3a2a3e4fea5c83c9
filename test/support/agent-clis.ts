/**
 * The agent CLIs that clip is tested with: their versions, and the settings with which each uses a model on loopback.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const adapterNames = ['codex', 'claude', 'gemini', 'opencode'] as const;
/** CLIs that clip supports by a preset of the same name. */
export const presetNames = ['qwen'] as const;
export const cliNames = [...adapterNames, ...presetNames] as const;
export type CliName = (typeof cliNames)[number];
export const isPreset = (name: CliName): boolean => presetNames.some((preset) => preset === name);

type Cli = {
  readonly package: string;
  readonly version: string;
  readonly model: string;
  /**
   * Writes the settings of the agent and returns its variables. `base`: the address of the model. `home`: an empty
   * folder for the agent.
   */
  readonly environment: (base: string, home: string) => Record<string, string>;
};

export const clis: Readonly<Record<CliName, Cli>> = {
  codex: {
    package: '@openai/codex',
    version: '0.169.0',
    model: 'fake-model',
    environment(base, home) {
      const folder = join(home, '.codex');
      const provider = [
        'name = "fake"',
        `base_url = "${base}/v1"`,
        'wire_api = "responses"',
        'env_key = "FAKE_API_KEY"',
      ];
      const retries = ['request_max_retries = 1', 'stream_max_retries = 1'];
      const own = ['model_provider = "fake"', 'check_for_update_on_startup = false', 'model_context_window = 200000'];
      write(
        folder,
        'config.toml',
        [...own, '[analytics]', 'enabled = false', '[model_providers.fake]', ...provider, ...retries, ''].join('\n'),
      );
      return { CODEX_HOME: folder, FAKE_API_KEY: 'dummy' };
    },
  },
  claude: {
    package: '@anthropic-ai/claude-code',
    version: '2.1.330',
    model: 'fake-model',
    environment: (base) => ({
      ANTHROPIC_BASE_URL: base,
      ANTHROPIC_API_KEY: 'dummy',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      DISABLE_AUTOUPDATER: '1',
      DISABLE_TELEMETRY: '1',
      // By default it retries for three minutes.
      CLAUDE_CODE_MAX_RETRIES: '1',
      // Without this variable it refuses to run all commands as root.
      IS_SANDBOX: '1',
    }),
  },
  gemini: {
    package: '@google/gemini-cli',
    version: '0.61.0',
    model: 'fake-model',
    environment(base, home) {
      const settings = {
        security: { auth: { selectedType: 'gemini-api-key' } },
        privacy: { usageStatisticsEnabled: false },
        general: { enableAutoUpdate: false, disableAutoUpdate: true },
        telemetry: { enabled: false },
      };
      write(join(home, '.gemini'), 'settings.json', JSON.stringify(settings));
      return { GEMINI_API_KEY: 'dummy', GOOGLE_GEMINI_BASE_URL: base };
    },
  },
  qwen: {
    package: '@qwen-code/qwen-code',
    version: '0.24.4',
    model: 'fake-model',
    environment(base, home) {
      const settings = {
        security: { auth: { selectedType: 'openai' } },
        privacy: { usageStatisticsEnabled: false },
        general: { disableAutoUpdate: true },
        telemetry: { enabled: false },
      };
      write(join(home, '.qwen'), 'settings.json', JSON.stringify(settings));
      return { OPENAI_API_KEY: 'dummy', OPENAI_BASE_URL: `${base}/v1`, OPENAI_MODEL: 'fake-model' };
    },
  },
  opencode: {
    package: 'opencode-ai',
    version: '1.18.33',
    model: 'fake/fake-model',
    environment(base) {
      const model = { name: 'Fake', limit: { context: 200_000, output: 8000 }, tool_call: true };
      const provider = {
        npm: '@ai-sdk/openai-compatible',
        name: 'Fake',
        options: { baseURL: `${base}/v1`, apiKey: 'dummy' },
        models: { 'fake-model': model },
      };
      const config = {
        autoupdate: false,
        share: 'disabled',
        model: 'fake/fake-model',
        small_model: 'fake/fake-model',
        provider: { fake: provider },
      };
      return {
        OPENCODE_CONFIG_CONTENT: JSON.stringify(config),
        OPENCODE_DISABLE_AUTOUPDATE: '1',
        OPENCODE_DISABLE_MODELS_FETCH: '1',
        OPENCODE_DISABLE_LSP_DOWNLOAD: '1',
        OPENCODE_DISABLE_DEFAULT_PLUGINS: '1',
      };
    },
  },
};

function write(folder: string, name: string, text: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), text);
}
