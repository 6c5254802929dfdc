import js from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';

/** Imports that a tier must not make: a lower tier never knows a higher one, features never know each other. */
const forbid = (files, ...groups) => ({
  files,
  rules: { 'no-restricted-imports': ['error', { patterns: [tauri, ...groups] }] },
});
const tauri = { group: ['@tauri-apps/*'], message: 'Only ui/src/ipc talks to Tauri.' };
const above = (...names) => ({ group: names.flatMap((name) => [`**/${name}/**`, `**/${name}`]), message: 'A tier imports nothing above it.' });
const features = ['inbox', 'conversation', 'accounts', 'add-account', 'logs', 'diagnostics', 'settings', 'start', 'help'];

export default ts.config(
  { ignores: ['dist/', 'tests/.artefacts/', 'tests/e2e/', 'src/ipc/bindings.ts'] },
  js.configs.recommended,
  ...ts.configs.strict,
  ...svelte.configs.recommended,
  {
    languageOptions: { globals: { ...globals.browser, ...globals.node, __FAKE__: 'readonly' } },
    rules: {
      'no-undef': 'off',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false }],
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-invalid-void-type': 'off',
      'no-restricted-properties': [
        'error',
        { property: 'innerHTML', message: 'Text goes in as text.' },
        { property: 'outerHTML', message: 'Text goes in as text.' },
        { property: 'insertAdjacentHTML', message: 'Text goes in as text.' },
      ],
      'svelte/no-at-html-tags': 'error',
      'svelte/no-inline-styles': ['error', { allowTransitions: false }],
      'svelte/require-each-key': 'error',
      'svelte/prefer-svelte-reactivity': 'off',
    },
  },
  { files: ['**/*.svelte', '**/*.svelte.ts'], languageOptions: { parserOptions: { parser: ts.parser } } },
  forbid(['src/i18n/**', 'src/styles/**'], above('components', 'state', 'features', 'app', 'ipc')),
  forbid(['src/components/**'], above('state', 'features', 'app', 'ipc', 'i18n')),
  forbid(['src/state/**'], above('features', 'app')),
  ...features.map((name) => forbid([`src/features/${name}/**`], above('app', ...features.filter((other) => other !== name).map((other) => `features/${other}`)), { group: features.filter((other) => other !== name).map((other) => `../${other}/**`), message: 'Features do not import each other.' })),
  forbid(['src/app/**', 'src/main.ts']),
);
