/**
 * The few things of RxJS that are used, each from its own module: the package's index loads 230 of them, which takes half as long as
 * all the rest of `import 'holdfast'`. They are the same objects as those of the index.
 */
/* oxlint-disable no-restricted-imports -- the one place where its deep paths are right, for the reason above */
export { Observable } from 'rxjs/internal/Observable';
export { Subject } from 'rxjs/internal/Subject';
export { EMPTY } from 'rxjs/internal/observable/empty';
export { merge } from 'rxjs/internal/observable/merge';
export { filter } from 'rxjs/internal/operators/filter';
export { takeWhile } from 'rxjs/internal/operators/takeWhile';
