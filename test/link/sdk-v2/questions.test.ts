import { overSdkV2 } from './over-sdk-v2.ts';

overSdkV2(() => import('../sdk/questions.test.ts'));
