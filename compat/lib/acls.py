"""ACLs as the requests of their APIs hold them."""

OPERATIONS = {"All": 2, "Read": 3, "Write": 4, "Create": 5, "Delete": 6, "Alter": 7, "Describe": 8, "ClusterAction": 9,
              "DescribeConfigs": 10, "AlterConfigs": 11, "IdempotentWrite": 12, "CreateTokens": 13, "DescribeTokens": 14,
              "TwoPhaseCommit": 15}
TYPES = {"Topic": 2, "Group": 3, "Cluster": 4, "TransactionalId": 5, "DelegationToken": 6, "User": 7}
LITERAL, PREFIXED, DENY, ALLOW = 3, 4, 2, 3


def filter_of(acl):
    return {"ResourceTypeFilter": acl["ResourceType"], "ResourceNameFilter": acl["ResourceName"],
            "PatternTypeFilter": acl["ResourcePatternType"], "PrincipalFilter": acl["Principal"], "HostFilter": acl["Host"],
            "Operation": acl["Operation"], "PermissionType": acl["PermissionType"]}


def acl(kind, operation, name, pattern=LITERAL, host="*", permission=ALLOW, principal="User:*"):
    return {"ResourceType": TYPES[kind], "ResourceName": "kafka-cluster" if kind == "Cluster" else name,
            "ResourcePatternType": LITERAL if kind == "Cluster" else pattern, "Principal": principal, "Host": host,
            "Operation": OPERATIONS[operation], "PermissionType": permission}
