import eslint from '@eslint/js';
import vue from 'eslint-plugin-vue';
import typescript from 'typescript-eslint';

const electronOnly = {
  paths: [
    {
      name: 'electron',
      message: 'Electron is for the desktop shell (main/index, window, menu, dialogs) and the preload.',
    },
  ],
};

export default typescript.config(
  { ignores: ['dist/', 'release/', '.cache/', 'assets/', 'node_modules/', 'test/golden/cases/', 'test/e2e/output/'] },
  eslint.configs.recommended,
  ...typescript.configs.recommended,
  ...vue.configs['flat/recommended'],
  {
    files: ['**/*.vue'],
    languageOptions: { parserOptions: { parser: typescript.parser } },
  },
  {
    // A promise that nobody waits for loses its error.
    files: ['{main,preload,renderer,test}/**/*.ts'],
    languageOptions: {
      parserOptions: {
        project: ['main/core', 'main', 'preload', 'renderer', 'test'].map((layer) => `${layer}/tsconfig.json`),
        tsconfigRootDir: import.meta.dirname,
        extraFileExtensions: ['.vue'],
      },
    },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
    },
  },
  {
    rules: {
      'no-undef': 'off', // the compiler knows, per layer
      'no-restricted-imports': ['error', electronOnly],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', destructuredArrayIgnorePattern: '^_' },
      ],
      '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
      // Prettier's work.
      'vue/max-attributes-per-line': 'off',
      'vue/singleline-html-element-content-newline': 'off',
      'vue/multiline-html-element-content-newline': 'off',
      'vue/html-self-closing': 'off',
      'vue/html-indent': 'off',
      'vue/html-closing-bracket-newline': 'off',
      'vue/require-default-prop': 'off',
      'vue/first-attribute-linebreak': 'off',
      'vue/attributes-order': 'off',
    },
  },
  {
    files: [
      'main/index.ts',
      'main/desktop.ts',
      'main/window.ts',
      'main/menu.ts',
      'main/dialogs.ts',
      'preload/index.ts',
    ],
    rules: { 'no-restricted-imports': 'off' },
  },
  {
    files: ['main/core/**', 'renderer/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        { ...electronOnly, patterns: [{ group: ['node:*'], message: 'Neither core nor the window knows Node.' }] },
      ],
    },
  },
  { files: ['**/*.cjs'], rules: { '@typescript-eslint/no-require-imports': 'off' } },
);
