/* What JavaScript gets of commonmark: documents by number, and a hook in the middle of a page. */
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.commonmark.node.AbstractVisitor;
import org.commonmark.node.Heading;
import org.commonmark.node.Node;
import org.commonmark.node.Text;
import org.commonmark.parser.Parser;
import org.commonmark.renderer.html.HtmlRenderer;
import org.teavm.jso.JSExport;
import org.teavm.jso.JSFunctor;
import org.teavm.jso.JSObject;

public class Marks {
	/* The class of an element; "" for none. */
	@JSFunctor
	public interface Style extends JSObject {
		String of(String tag, int line);
	}

	private static final Parser parser = Parser.builder().build();
	private static final List<Node> documents = new ArrayList<>();
	private static Style style;
	private static int elements;
	private static final HtmlRenderer renderer =
	    HtmlRenderer.builder().attributeProviderFactory(c -> Marks::attributes).build();

	private static void attributes(Node node, String tag, Map<String, String> attributes) {
		String name = style.of(tag, elements++);
		if (!name.isEmpty())
			attributes.put("class", name);
	}

	@JSExport
	public static int parse(String text) {
		documents.add(parser.parse(text));
		return documents.size() - 1;
	}

	@JSExport
	public static String render(int document, Style given) {
		style = given;
		elements = 0;
		return renderer.render(documents.get(document));
	}

	@JSExport
	public static int letters(int document) {
		int[] sum = { 0 };
		documents.get(document).accept(new AbstractVisitor() {
			@Override
			public void visit(Text text) {
				sum[0] += text.getLiteral().length();
			}
		});
		return sum[0];
	}

	@JSExport
	public static int headings(int document) {
		int n = 0;
		for (Node node = documents.get(document).getFirstChild(); node != null; node = node.getNext())
			n += node instanceof Heading ? 1 : 0;
		return n;
	}

	public static void main(String[] unused) {
	}
}
