import PostgresKit

@testable import RoadsteadStore

/// Every statement of the store, by name; a test holds the list against the sources.
enum StatementList {
    static let all: [any Statement.Type] = [
        AcceptInvitation.self, AdvanceFleet.self, AdvanceRoot.self, AdvanceTeam.self, AppendAuditEvent.self,
        ClaimKey.self, ClearEnforcerModes.self, CloseRootDraft.self, CountFleetsOfTeam.self, CountRepositories.self,
        DeleteFleetTeam.self, FetchDenial.self, FindDenial.self, InsertDenial.self, LiftDenial.self, ListDenials.self,
        ListDenialsInForce.self, FetchNewestCustody.self, FetchTeamKey.self, InsertCustody.self,
        InsertCustodyKey.self, InsertTeamKey.self, ListCustodyKeys.self, ListTeamKeys.self, RetireTeamKey.self,
        SetTeamCustody.self, ListOnlineFleets.self, ListCustodies.self, RequestRenewal.self,
        DeleteOldKeys.self, DeleteScope.self, DeleteScopesOfTeam.self, DisablePerson.self, FetchAnchor.self,
        FetchAuditHead.self, FetchBinding.self, FetchChange.self, FetchCredential.self, FetchCredentialByToken.self,
        FetchFile.self, FetchFleet.self, FetchFleetSummary.self, FetchHost.self, FetchHostByName.self,
        FetchKeptAnswer.self, FetchKeyUse.self, FetchMasterKeyCheck.self, HoldMasterKeyCheck.self, FetchPerson.self,
        FetchPersonBySubject.self, FetchRelease.self, FetchReleaseDigest.self, FetchRepositoryOwner.self,
        FetchRootDraft.self, FetchScopeOwner.self, FetchTeam.self, FetchTeamRemoval.self, FetchTimestampVersion.self,
        ListPublishedHeads.self, ListPublishedPaths.self,
        FindAnchor.self, FindFile.self, FindTeamRole.self, HasAdministrator.self, InsertAnchor.self,
        InsertBinding.self, InsertChange.self, InsertContent.self, InsertCredential.self, InsertDecision.self,
        InsertFile.self, InsertFleet.self, InsertFleetTeam.self, InsertHost.self, InsertHostState.self,
        InsertInvitation.self, InsertJoinToken.self, InsertKey.self, InsertMasterKeyCheck.self, InsertPerson.self,
        InsertReceipt.self, InsertRelease.self, InsertReleaseChange.self, InsertRepository.self,
        InsertRootDraft.self, InsertRootKey.self, InsertRootRule.self, InsertRootSignature.self, InsertScope.self,
        InsertStore.self, InsertTeam.self, InsertTeamRole.self, KeepAnswer.self, ListAllKeys.self, ListAnchors.self,
        ListApprovedChanges.self, ListAuditEvents.self, ListBindings.self,
        ListBindingsOfPeople.self, ListChanges.self, ListChangesToRelease.self, ListCredentials.self,
        ListCurrentRoles.self, ListDecisions.self, ListEnforcerModes.self, ListFleetNames.self, ListFleets.self,
        ListHolders.self, ListHosts.self, ListKeysFor.self, ListOverdueChanges.self,
        ListPeople.self, ListPeopleByID.self, ListReleases.self, ListReleasesOfChange.self, ListRepositories.self,
        ListRepositoriesOfTeams.self, ListRoleVersions.self, ListRootRules.self, ListRootSignatures.self,
        ListRoots.self, ListScopes.self, ListStores.self, ListTeams.self, ListTeamsOfFleet.self,
        LockAdministrators.self, LockBootstrap.self, LockChange.self, LockFleet.self, LockInvitation.self,
        LockJoinToken.self, LockRootDraft.self, LockTeam.self, MoveChange.self, NextChangeNumber.self,
        PublishRelease.self, ReleaseKey.self, RemoveAnchor.self, RemoveHost.self, RemoveRootRule.self,
        RemoveTeam.self, ReplaceMasterKeyCheck.self, ResealKey.self, RevokeBinding.self, RevokeCredential.self,
        SendPublishSignal.self, SetBootstrap.self, SetApprovalsNeeded.self, SetEnforcerMode.self, SetFleetMode.self,
        SignRelease.self,
        SubmitChange.self, TouchCredential.self, TryPublishingLock.self, UpdateChangeContent.self,
        UpdateHostState.self, UseBootstrap.self, UseJoinToken.self, VoidRootDrafts.self,
        FetchContent.self, FetchPublishedTeamRole.self, ForgetPromotedContents.self, FreezeContents.self,
        InsertPromotedContent.self, ListCertificates.self, ListSources.self, ListTakenContents.self,
        ListTeamRoles.self, ListTeamVersions.self, SetPromotesFrom.self,
        ListActivePlaces.self,
    ]
}
