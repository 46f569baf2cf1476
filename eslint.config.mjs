import js from '@eslint/js';
import nx from '@nx/eslint-plugin';
import ts from 'typescript-eslint';

/** Who may import whom, by the tags in each project's package.json. */
const boundaries = [
  { sourceTag: 'type:app', onlyDependOnLibsWithTags: ['type:platform', 'type:core', 'type:contracts'] },
  { sourceTag: 'type:platform', onlyDependOnLibsWithTags: ['type:platform', 'type:core', 'type:contracts'] },
  { sourceTag: 'type:core', onlyDependOnLibsWithTags: ['type:core'] },
  { sourceTag: 'type:contracts', onlyDependOnLibsWithTags: [] },
  { sourceTag: 'type:dev', onlyDependOnLibsWithTags: ['type:dev'] },
  { sourceTag: 'type:tool', onlyDependOnLibsWithTags: ['type:dev', 'type:core'] },
  { sourceTag: 'type:e2e', onlyDependOnLibsWithTags: ['type:dev', 'type:platform', 'type:contracts'] },
];

/** Tests may use the testing libraries as well. */
const boundariesOfTests = boundaries.map(({ sourceTag, onlyDependOnLibsWithTags: allowed }) => ({
  sourceTag,
  onlyDependOnLibsWithTags:
    sourceTag === 'type:app' || sourceTag === 'type:platform' ? [...allowed, 'type:dev'] : allowed,
}));

const boundaryRule = (depConstraints) => [
  'error',
  { enforceBuildableLibDependency: false, allowCircularSelfDependency: false, depConstraints },
];

export default ts.config(
  { ignores: ['**/dist', '**/generated', '**/node_modules', '.nx', '.parley', '**/*.mjs'] },
  js.configs.recommended,
  ts.configs.strictTypeChecked,
  {
    files: ['**/*.ts'],
    plugins: { '@nx': nx },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@nx/enforce-module-boundaries': boundaryRule(boundaries),
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'Name what a file exports.' },
      ],
      // Numbers read well in templates; Nest modules and static factories are classes without instances.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-extraneous-class': 'off',
      // What the line above proved, or a contract promises, is said with "!".
      '@typescript-eslint/no-non-null-assertion': 'off',
      // A type parameter that appears once lets a caller name the shape of rows it asks a database for.
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      // call(client, client.method, request) binds the method itself.
      '@typescript-eslint/unbound-method': 'off',
      // Rows become messages by spreading, entity classes among them; generated options and enums meet grpc-js's own.
      '@typescript-eslint/no-misused-spread': 'off',
      '@typescript-eslint/no-unsafe-enum-assignment': 'off',
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/no-invalid-void-type': 'off',
    },
  },
  {
    files: ['**/*.spec.ts', '**/src/testing/**/*.ts'],
    rules: { '@nx/enforce-module-boundaries': boundaryRule(boundariesOfTests) },
  },
  {
    // Jest asks for default exports.
    files: ['libs/testing/src/global-*.ts'],
    rules: { 'no-restricted-syntax': 'off' },
  },
  {
    // The gateway decides nothing about data: what it keeps are its tokens.
    files: ['apps/gateway/src/**/*.ts'],
    ignores: ['apps/gateway/src/auth/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        { paths: ['typeorm', 'pg'].map((name) => ({ name, message: 'Only auth/ may.' })) },
      ],
    },
  },
);
