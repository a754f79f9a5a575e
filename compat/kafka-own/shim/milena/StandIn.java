package milena;

import org.mockito.Mockito;
import org.mockito.invocation.InvocationOnMock;

/** Makes objects of Kafka's classes that answer some of their methods; all others end the test as skipped. */
final class StandIn {
    interface Answers {
        /** The answer, or UNSERVED. */
        Object answer(String method, Object[] arguments) throws Throwable;
    }

    static final Object UNSERVED = new Object();

    private StandIn() { }

    static <T> T of(Class<T> type, Answers answers) {
        return Mockito.mock(type, Mockito.withSettings().stubOnly().defaultAnswer(call -> answer(type, answers, call)));
    }

    /** What a method returns: some types moved between releases of Kafka. */
    static Class<?> typeOf(Class<?> owner, String method) {
        try {
            return owner.getMethod(method).getReturnType();
        } catch (NoSuchMethodException error) {
            throw Needs.inside(owner.getSimpleName() + "." + method);
        }
    }

    private static Object answer(Class<?> type, Answers answers, InvocationOnMock call) throws Throwable {
        String method = call.getMethod().getName();
        if (method.equals("toString")) return "stand-in of " + type.getSimpleName();
        // Scala's traits set their fields so.
        if (method.contains("_setter_") || method.endsWith("_$eq")) return null;
        Object answer = answers.answer(method, call.getArguments());
        if (answer == UNSERVED) throw Needs.inside(type.getSimpleName() + "." + method);
        return answer;
    }
}
