// The specs that play sessions, as one: what they import is loaded once for each change, not once for each spec.
import '../../../libs/flow-engine/src/answers.spec.ts';
import '../../../libs/flow-engine/src/choices.spec.ts';
import '../../../libs/flow-engine/src/comparison.spec.ts';
import '../../../libs/flow-engine/src/context-and-tags.spec.ts';
import '../../../libs/flow-engine/src/expiry.spec.ts';
import '../../../libs/flow-engine/src/failures.spec.ts';
import '../../../libs/flow-engine/src/filters.spec.ts';
import '../../../libs/flow-engine/src/hostile-sprints.spec.ts';
import '../../../libs/flow-engine/src/http-requests.spec.ts';
import '../../../libs/flow-engine/src/ignored-inputs.spec.ts';
import '../../../libs/flow-engine/src/invalid-answers.spec.ts';
import '../../../libs/flow-engine/src/messages.spec.ts';
import '../../../libs/flow-engine/src/reads-contact.spec.ts';
import '../../../libs/flow-engine/src/rendering.spec.ts';
import '../../../libs/flow-engine/src/safe-pattern.spec.ts';
import '../../../libs/flow-engine/src/waits.spec.ts';
