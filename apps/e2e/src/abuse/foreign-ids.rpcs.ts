import {
  ChannelKind,
  DeleteChannelRequest,
  DescribeChannelRequest,
  ListChannelsRequest,
  ListDeliveriesRequest,
  RetryDeliveryRequest,
  SetChannelRequest,
} from '@parley/contracts/channel';
import {
  BatchResolveContactsRequest,
  Consent,
  GetContactRequest,
  SearchContactsRequest,
  SetConsentRequest,
  UpdateContactRequest,
  UpsertContactRequest,
} from '@parley/contracts/contact';
import {
  ArchiveFlowRequest,
  BatchGetPublishedFlowsRequest,
  CreateFlowRequest,
  GetFlowRequest,
  GetFlowVersionRequest,
  GetPublishedFlowRequest,
  ListFlowsRequest,
  ListFlowVersionsRequest,
  PublishFlowRequest,
  CompareFlowVersionsRequest,
  RepublishFlowVersionRequest,
  SimulateFlowRequest,
  UnpublishFlowRequest,
  UpdateFlowRequest,
  ValidateFlowRequest,
} from '@parley/contracts/flow-catalog';
import {
  BatchGetStartsRequest,
  BatchStartSessionsRequest,
  CancelSessionRequest,
  CountSessionsRequest,
  GetSessionRequest,
  GetTimelineRequest,
  SubmitReplyRequest,
  CancelFlowSessionsRequest,
  ListSessionsRequest,
  StartSessionRequest,
} from '@parley/contracts/session';
import type { Ids } from './foreign-ids.routes.ts';

/** Whose things the ids are, or nobody's. */
export interface Target extends Ids {
  /** Of a start, as StartSession takes it. */
  requestId: string;
  phone: string;
  email: string;
}

/** What one tenant asks about another's things: for each RPC, the request with every id it takes; what ends them last. */
type Asked = Record<string, (tenantId: string, target: Target) => object>;

/** RPCs that take no id, phone or token of a thing that exists, each with a request it serves. */
export const WITHOUT_IDS: Asked = {
  'ContactService/UpsertContact': (tenantId, { phone }) =>
    UpsertContactRequest.fromPartial({ tenantId, phone, fields: { name: 'Ada', metadata: '{"a":1}' } }),
  'FlowCatalogService/CreateFlow': (tenantId) => CreateFlowRequest.fromPartial({ tenantId, name: 'Menu' }),
  'FlowCatalogService/ValidateFlow': (tenantId) => ValidateFlowRequest.fromPartial({ tenantId }),
  'ChannelService/SetChannel': (tenantId) =>
    SetChannelRequest.fromPartial({
      tenantId,
      settings: { $case: 'webhook', value: { url: 'https://shop.example.com/messages' } },
    }),
  'ChannelService/DescribeChannel': (tenantId) =>
    DescribeChannelRequest.fromPartial({ tenantId, kind: ChannelKind.WEBHOOK }),
  'ChannelService/ListChannels': (tenantId) => ListChannelsRequest.fromPartial({ tenantId }),
  'ChannelService/DeleteChannel': (tenantId) =>
    DeleteChannelRequest.fromPartial({ tenantId, kind: ChannelKind.WHATSAPP }),
};

const fingerprint = Buffer.from('fingerprint');
/** A page token is the last id of the page before, in base64url. */
const pageToken = (id: string): string => Buffer.from(id).toString('base64url');

export const ASKED: Asked = {
  'ContactService/GetContact': (tenantId, { contact }) =>
    GetContactRequest.fromPartial({ tenantId, lookup: { $case: 'id', value: contact } }),
  'ContactService/GetContact by phone': (tenantId, { phone }) =>
    GetContactRequest.fromPartial({ tenantId, lookup: { $case: 'phone', value: phone } }),
  'ContactService/GetContact by email': (tenantId, { email }) =>
    GetContactRequest.fromPartial({ tenantId, lookup: { $case: 'email', value: email } }),
  'ContactService/UpdateContact': (tenantId, { contact }) =>
    UpdateContactRequest.fromPartial({ tenantId, id: contact, fields: { name: 'Mine now' } }),
  'ContactService/SearchContacts': (tenantId, { phone }) =>
    SearchContactsRequest.fromPartial({ tenantId, query: phone }),
  'ContactService/SearchContacts on another page': (tenantId, { contact }) =>
    SearchContactsRequest.fromPartial({ tenantId, pageToken: pageToken(contact) }),
  'ContactService/SetConsent': (tenantId, { contact }) =>
    SetConsentRequest.fromPartial({ tenantId, id: contact, consent: Consent.OPTED_OUT }),
  'ContactService/BatchResolveContacts': (tenantId, { contact }) =>
    BatchResolveContactsRequest.fromPartial({ requests: [{ tenantId, id: contact }] }),
  'FlowCatalogService/UpdateFlow': (tenantId, { flow }) =>
    UpdateFlowRequest.fromPartial({ tenantId, id: flow, name: 'Mine now' }),
  'FlowCatalogService/GetFlow': (tenantId, { flow }) => GetFlowRequest.fromPartial({ tenantId, id: flow }),
  'FlowCatalogService/ListFlows': (tenantId, { flow }) =>
    ListFlowsRequest.fromPartial({ tenantId, pageToken: pageToken(flow) }),
  'FlowCatalogService/SimulateFlow': (tenantId, { flow }) =>
    SimulateFlowRequest.fromPartial({ tenantId, flowId: flow }),
  'FlowCatalogService/SimulateFlow of a version': (tenantId, { flow }) =>
    SimulateFlowRequest.fromPartial({ tenantId, flowId: flow, version: 1 }),
  'FlowCatalogService/PublishFlow': (tenantId, { flow }) =>
    PublishFlowRequest.fromPartial({ tenantId, id: flow }),
  'FlowCatalogService/GetPublishedFlow': (tenantId, { flow }) =>
    GetPublishedFlowRequest.fromPartial({ tenantId, flowId: flow }),
  'FlowCatalogService/BatchGetPublishedFlows': (tenantId, { flow }) =>
    BatchGetPublishedFlowsRequest.fromPartial({ requests: [{ tenantId, flowId: flow }] }),
  'FlowCatalogService/GetFlowVersion': (tenantId, { flow }) =>
    GetFlowVersionRequest.fromPartial({ tenantId, flowId: flow, version: 1 }),
  'FlowCatalogService/ListFlowVersions': (tenantId, { flow }) =>
    ListFlowVersionsRequest.fromPartial({ tenantId, flowId: flow }),
  'SessionService/StartSession': (tenantId, { flow, contact }) =>
    StartSessionRequest.fromPartial({ tenantId, flowId: flow, flowVersion: 1, contactId: contact }),
  'SessionService/BatchStartSessions': (tenantId, { flow, contact }) =>
    BatchStartSessionsRequest.fromPartial({
      requests: [{ tenantId, flowId: flow, flowVersion: 1, contactId: contact }],
    }),
  'SessionService/BatchGetStarts': (tenantId, { requestId }) =>
    BatchGetStartsRequest.fromPartial({
      requests: [{ tenantId, requestId, requestFingerprint: fingerprint }],
    }),
  'SessionService/GetSession': (tenantId, { session }) =>
    GetSessionRequest.fromPartial({ tenantId, id: session }),
  'SessionService/ListSessions': (tenantId, { flow, contact }) =>
    ListSessionsRequest.fromPartial({ tenantId, flowId: flow, contactId: contact }),
  'SessionService/CountSessions': (tenantId, { flow }) =>
    CountSessionsRequest.fromPartial({ tenantId, flowId: flow }),
  'FlowCatalogService/CompareFlowVersions': (tenantId, { flow }) =>
    CompareFlowVersionsRequest.fromPartial({ tenantId, flowId: flow, fromVersion: 1 }),
  'FlowCatalogService/RepublishFlowVersion': (tenantId, { flow }) =>
    RepublishFlowVersionRequest.fromPartial({ tenantId, flowId: flow, version: 1 }),
  'SessionService/GetTimeline': (tenantId, { session }) =>
    GetTimelineRequest.fromPartial({ tenantId, id: session }),
  'SessionService/SubmitReply': (tenantId, { session }) =>
    SubmitReplyRequest.fromPartial({ tenantId, sessionId: session, text: 'Perhaps' }),
  'SessionService/SubmitReply by contact': (tenantId, { contact }) =>
    SubmitReplyRequest.fromPartial({ tenantId, contactId: contact, text: 'Perhaps' }),
  'SessionService/CancelFlowSessions': (tenantId, { flow }) =>
    CancelFlowSessionsRequest.fromPartial({ tenantId, flowId: flow }),
  'ChannelService/ListDeliveries': (tenantId, { delivery }) =>
    ListDeliveriesRequest.fromPartial({ tenantId, pageToken: pageToken(delivery) }),
  'ChannelService/RetryDelivery': (tenantId, { delivery }) =>
    RetryDeliveryRequest.fromPartial({ tenantId, id: delivery }),
  'FlowCatalogService/UnpublishFlow': (tenantId, { flow }) =>
    UnpublishFlowRequest.fromPartial({ tenantId, id: flow }),
  'FlowCatalogService/ArchiveFlow': (tenantId, { flow }) =>
    ArchiveFlowRequest.fromPartial({ tenantId, id: flow }),
  'SessionService/CancelSession': (tenantId, { session }) =>
    CancelSessionRequest.fromPartial({ tenantId, id: session }),
};

/** ContactService/GetContact by phone → ContactService/GetContact */
export const rpcOf = (asked: string): string => asked.split(' ', 1)[0]!;
