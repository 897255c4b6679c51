import { describe, expectTypeOf, it } from 'vitest';
import type {
  ActorLogic,
  ActorRefFrom,
  EmittedFrom,
  EventFromLogic,
  InspectionEvent,
  InputFrom,
  Observer,
  SnapshotFrom,
} from 'xstate';
import type { ConnectionInfo, ManagerEvent, Session, SessionEvent, SessionManager } from '../../src/index.ts';
import type {
  CommandRefused,
  ManagerActorSnapshot,
  ManagerCommand,
  ManagerInput,
  managerLogic,
  managerOf,
  SessionActorSnapshot,
  SessionCommand,
  sessionLogic,
  sessionOf,
} from '../../src/manager/embedding.ts';

describe('inspect', () => {
  it('takes what is made to inspect XState', () => {
    expectTypeOf<Observer<InspectionEvent>>().toExtend<Parameters<SessionManager['inspect']>[0]>();
    expectTypeOf<SessionManager['inspect']>().toBeCallableWith({}, { servers: undefined });
  });
});

describe('the logics', () => {
  it('are what XState takes: commands in, snapshots and events out', () => {
    expectTypeOf<typeof managerLogic>().toExtend<
      // oxlint-disable-next-line typescript/no-explicit-any -- the system of whoever spawns it
      ActorLogic<ManagerActorSnapshot, ManagerCommand, ManagerInput, any, ManagerEvent | CommandRefused>
    >();
    expectTypeOf<EventFromLogic<typeof sessionLogic>>().toEqualTypeOf<SessionCommand>();
    expectTypeOf<SnapshotFrom<typeof managerLogic>>().toEqualTypeOf<ManagerActorSnapshot>();
    expectTypeOf<SnapshotFrom<typeof sessionLogic>>().toEqualTypeOf<SessionActorSnapshot>();
    expectTypeOf<SessionActorSnapshot['context']>().toEqualTypeOf<ConnectionInfo>();
    expectTypeOf<InputFrom<typeof managerLogic>>().toEqualTypeOf<ManagerInput | undefined>();
  });

  it('make an emitted event known by its type', () => {
    type Ref = ActorRefFrom<typeof managerLogic>;
    type Emitted = Ref extends { on: (type: 'failedOver', handler: (event: infer E) => void) => unknown } ? E : never;
    expectTypeOf<Emitted>().not.toBeNever();
    expectTypeOf<EmittedFrom<typeof sessionLogic>>().toEqualTypeOf<SessionEvent | CommandRefused>();
  });

  it('lead to the same faces as ever', () => {
    expectTypeOf<typeof managerOf>().returns.toEqualTypeOf<SessionManager>();
    expectTypeOf<typeof sessionOf>().returns.toEqualTypeOf<Session>();
  });
});
