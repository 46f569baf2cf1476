// The specs that play sessions, as one: what they import is loaded once for each change, not once for each spec.
import '../../../libs/flow-engine/src/answers.spec.ts';
import '../../../libs/flow-engine/src/conditions.spec.ts';
import '../../../libs/flow-engine/src/reads-contact.spec.ts';
import '../../../libs/flow-engine/src/rendering.spec.ts';
import '../../../libs/flow-engine/src/run-sprint.spec.ts';
