package milena;

import static milena.StandIn.UNSERVED;

import java.io.File;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.errors.ApiException;
import org.apache.kafka.common.internals.Plugin;
import org.apache.kafka.common.message.DescribeUserScramCredentialsRequestData;
import org.apache.kafka.common.metadata.DelegationTokenRecord;
import org.apache.kafka.common.metadata.RemoveDelegationTokenRecord;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.record.internal.FileRecords;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.requests.DescribeAclsRequest;
import org.apache.kafka.common.requests.DescribeAclsResponse;
import org.apache.kafka.common.requests.DescribeUserScramCredentialsRequest;
import org.apache.kafka.common.requests.DescribeUserScramCredentialsResponse;
import org.apache.kafka.common.security.scram.ScramCredential;
import org.apache.kafka.common.security.token.delegation.internals.DelegationTokenCache;
import org.apache.kafka.common.security.token.delegation.TokenInformation;
import org.apache.kafka.common.utils.SecurityUtils;
import org.apache.kafka.metadata.MetadataRecordSerde;
import org.apache.kafka.security.CredentialProvider;
import org.apache.kafka.server.authorizer.AclCreateResult;
import org.apache.kafka.server.authorizer.AclDeleteResult;
import org.apache.kafka.server.authorizer.Authorizer;
import scala.Option;

/** The authorizer and the credentials of a node: each look into them is a request to it. */
final class SecurityStandIn {
    private final Program program;
    private final Ask ask;

    SecurityStandIn(Program program, Ask ask) {
        this.program = program;
        this.ask = ask;
    }

    Option<Plugin<Authorizer>> authorizer() {
        if (program.settings.getOrDefault("authorizer.class.name", "").isEmpty()) return Option.empty();
        return Option.apply(Plugin.wrapInstance(StandIn.of(Authorizer.class, this::authorizer), null, "authorizer.class.name"));
    }

    @SuppressWarnings("unchecked")
    private Object authorizer(String method, Object[] arguments) {
        return switch (method) {
            case "acls" -> acls((AclBindingFilter) arguments[0]);
            case "createAcls" -> create((List<AclBinding>) arguments[1]);
            case "deleteAcls" -> delete((List<AclBindingFilter>) arguments[1]);
            default -> UNSERVED;
        };
    }

    private List<AclBinding> acls(AclBindingFilter filter) {
        DescribeAclsResponse response = ask.raw(new DescribeAclsRequest.Builder(filter).build());
        if (response.error().isFailure()) throw response.error().exception();
        return DescribeAclsResponse.aclBindings(response.acls());
    }

    private List<CompletionStage<AclCreateResult>> create(List<AclBinding> bindings) {
        List<CompletionStage<AclCreateResult>> results = new ArrayList<>();
        Admin admin = ask.admin();
        for (AclBinding binding : bindings)
            results.add(stage(admin.createAcls(List.of(binding)).all()).handle((done, error) ->
                error == null ? AclCreateResult.SUCCESS : new AclCreateResult((ApiException) error.getCause())));
        return results;
    }

    private List<CompletionStage<AclDeleteResult>> delete(List<AclBindingFilter> filters) {
        List<CompletionStage<AclDeleteResult>> results = new ArrayList<>();
        for (AclBindingFilter filter : filters)
            results.add(stage(ask.admin().deleteAcls(List.of(filter)).all()).handle((Collection<AclBinding> gone, Throwable error) ->
                error != null ? new AclDeleteResult((ApiException) error.getCause()) : new AclDeleteResult(
                    gone.stream().map(AclDeleteResult.AclBindingDeleteResult::new).toList())));
        return results;
    }

    private static <T> CompletableFuture<T> stage(KafkaFuture<T> future) {
        CompletableFuture<T> stage = new CompletableFuture<>();
        future.whenComplete((value, error) -> {
            if (error == null) stage.complete(value);
            else stage.completeExceptionally(new RuntimeException(error));
        });
        return stage;
    }

    /** Users are there or not; what they have as a secret nobody tells. */
    CredentialProvider credentials() {
        var provider = new CredentialProvider(List.of("SCRAM-SHA-256", "SCRAM-SHA-512"), new DelegationTokenCache(List.of()));
        var request = new DescribeUserScramCredentialsRequest.Builder(new DescribeUserScramCredentialsRequestData()).build();
        DescribeUserScramCredentialsResponse response = ask.raw(request);
        for (var user : response.data().results())
            for (var info : user.credentialInfos())
                provider.updateCredential(ScramMechanism.fromType(info.mechanism()), user.user(),
                    new ScramCredential(new byte[0], new byte[0], new byte[0], info.iterations()));
        return provider;
    }

    /** Who may be told of tokens came by SASL or TLS, and the shim does not: they stand in the node's log of metadata. */
    DelegationTokenCache tokens() {
        return StandIn.of(DelegationTokenCache.class, (method, none) -> method.equals("tokens") ? tokensOnDisk() : UNSERVED);
    }

    private Collection<TokenInformation> tokensOnDisk() throws IOException {
        Map<String, TokenInformation> tokens = new HashMap<>();
        File log = new File(program.logDirs().get(0).toFile(), "__cluster_metadata-0/00000000000000000000.log");
        if (!log.exists()) return List.of();
        FileRecords records = FileRecords.open(log, false);
        try {
            for (RecordBatch batch : records.batches()) {
                if (batch.isControlBatch()) continue;
                for (Record record : batch)
                    note(MetadataRecordSerde.INSTANCE.read(new ByteBufferAccessor(record.value()), record.valueSize()).message(), tokens);
            }
        } finally {
            // close() would cut the file where the node has written more meanwhile.
            records.closeHandlers();
        }
        return tokens.values();
    }

    private static void note(ApiMessage message, Map<String, TokenInformation> tokens) {
        if (message instanceof RemoveDelegationTokenRecord gone) tokens.remove(gone.tokenId());
        if (!(message instanceof DelegationTokenRecord token)) return;
        tokens.put(token.tokenId(), new TokenInformation(token.tokenId(), SecurityUtils.parseKafkaPrincipal(token.owner()),
            SecurityUtils.parseKafkaPrincipal(token.requester()), List.of(), token.issueTimestamp(), token.maxTimestamp(),
            token.expirationTimestamp()));
    }
}
