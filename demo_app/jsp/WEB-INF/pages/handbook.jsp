<%@ include file="/WEB-INF/include/site.jspf" %><%
  allowMethods(request, response, "GET");
  Map<?, ?> handbook = (Map<?, ?>) content(application).get("handbook");
  List<?> subjects = (List<?>) handbook.get("subjects"), aspects = (List<?>) handbook.get("aspects"), paragraphs = (List<?>) handbook.get("paragraphs");
  String title = "Examination handbook", id = "handbook", head = "", beforeHead = "";
%>
<%@ include file="/WEB-INF/include/top.jspf" %>
<h1>Examination handbook</h1>
<ol>
<% for (int n = 0; n < subjects.size(); n++) { %><li><a href="#chapter<%= n + 1 %>"><%= h(subjects.get(n)) %></a></li>
<% } %></ol>
<% for (int chapter = 1; chapter <= subjects.size(); chapter++) { %>
<h2 id="chapter<%= chapter %>"><%= chapter %>. <%= h(subjects.get(chapter - 1)) %></h2>
<% for (int at = 0; at < aspects.size(); at++) { %>
<h3><%= chapter %>.<%= at + 1 %> <%= h(aspects.get(at)) %></h3>
<p><%= h(paragraphs.get((chapter * 3 + at) % paragraphs.size())) %></p>
<p><%= h(paragraphs.get((chapter * 5 + at * 3 + 4) % paragraphs.size())) %></p>
<% } } %>
<%@ include file="/WEB-INF/include/bottom.jspf" %>
