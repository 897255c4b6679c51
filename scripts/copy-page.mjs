// What of the dashboard is no TypeScript goes beside what was compiled of it.
import { copyFileSync } from 'node:fs';

for (const name of ['page.html', 'style.css']) {
  const file = (root) => new URL(`../${root}/dashboard/${name}`, import.meta.url);
  copyFileSync(file('src'), file('dist'));
}
